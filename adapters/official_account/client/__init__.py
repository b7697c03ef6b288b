"""One method per endpoint of api.weixin.qq.com that this tool calls, named after it, in one class per subject.

Every method raises one of the ten kinds. ``access`` makes what they share: one appid and its tokens.
"""

from adapters.official_account.client.access import access
from adapters.official_account.client.content import ContentClient
from adapters.official_account.client.mass import MassClient
from adapters.official_account.client.messages import MessagesClient
from adapters.official_account.client.people import PeopleClient
from adapters.official_account.client.statistics import StatisticsClient
from adapters.official_account.client.web import WebClient

__all__ = [
    "ContentClient",
    "MassClient",
    "MessagesClient",
    "PeopleClient",
    "StatisticsClient",
    "WebClient",
    "access",
]
