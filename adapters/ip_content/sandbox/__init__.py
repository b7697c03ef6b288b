"""The licensing department's rights service, emulated.

The contract is this project's own (there is no public API); the tool's README states it. State is copied
from the world; each thing that people do in the department publishes a new version of the catalogue.
"""

from adapters.ip_content.sandbox.service import Sandbox

__all__ = ["Sandbox"]
