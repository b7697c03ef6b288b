"""Reconciliation (对账): our books against the platforms' own bills, day by day.

``comparing`` is pure; ``ledger`` reads our side; ``merchants``, ``stores`` and ``funds`` compare one account each;
``runs`` does it for every account, keeps what was found, and comes back every day.
"""

from gateway.reconciliation.differences import Difference, Kind, Outcome
from gateway.reconciliation.runs import Book, Reconciliation, Run, State

__all__ = ["Book", "Difference", "Kind", "Outcome", "Reconciliation", "Run", "State"]
