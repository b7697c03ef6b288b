"""泛娱乐IP: a brand's licences of films, series, games and comics, and what its members collect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.ip_content.adapter import IpContentAdapter
from adapters.ip_content.clearance import CHANNELS, MAX_CLEARANCE_DAYS, USES
from adapters.ip_content.config import IpContentConfig
from adapters.ip_content.draws import MAX_ENTRY_REF
from adapters.ip_content.errors import FAULTS, TOOL_NAME
from adapters.ip_content.lift import baseline_days, study
from adapters.ip_content.limits import LIMITS
from adapters.ip_content.moves import MOVES
from adapters.ip_content.records import (
    Activation,
    ActivationMoved,
    Asset,
    AssetGrant,
    BallotCast,
    Card,
    CardDrawn,
    Clearance,
    ClearanceQuery,
    Contest,
    ContestTally,
    Drop,
    DropEntered,
    DropPlace,
    GrantDraft,
    GrantObstacle,
    ImportResult,
    Licence,
    LicensedSku,
    LiftStudy,
    Participation,
    Prize,
    Property,
    Reward,
    RewardClaimed,
)
from adapters.ip_content.tables import metadata


@asynccontextmanager
async def open_account(config: IpContentConfig, runtime: Runtime) -> AsyncIterator[IpContentAdapter]:
    """The adapter of one licensee; it holds nothing that must be closed."""
    yield IpContentAdapter(config, runtime)


TOOL: Final = ToolSpec(
    name=TOOL_NAME,
    title="泛娱乐IP",
    config=IpContentConfig,
    adapter=IpContentAdapter,
    open=open_account,
    faults=FAULTS,
    limits=LIMITS,
    metadata=metadata,
    exempt={
        "batches": "Batch methods read the gateway's own SQL; the tool's tests count their statements.",
        "writes": "Draws, ballots, places, rewards, moves and downloads are transactions of the gateway's own database;"
        " nothing is sent anywhere.",
        "refused_token:token": "Fetching a token takes none.",
        "truncate:ping": "The answer is a 304 without a body.",
        "garbage:ping": "The answer is a 304, of which no body is read.",
        "webhooks": "The rights service does not call back; its catalogue is asked for by entity tag.",
    },
)

__all__ = [
    "CHANNELS",
    "MAX_CLEARANCE_DAYS",
    "MAX_ENTRY_REF",
    "MOVES",
    "TOOL",
    "USES",
    "Activation",
    "ActivationMoved",
    "Asset",
    "AssetGrant",
    "BallotCast",
    "Card",
    "CardDrawn",
    "Clearance",
    "ClearanceQuery",
    "Contest",
    "ContestTally",
    "Drop",
    "DropEntered",
    "DropPlace",
    "GrantDraft",
    "GrantObstacle",
    "ImportResult",
    "IpContentAdapter",
    "IpContentConfig",
    "Licence",
    "LicensedSku",
    "LiftStudy",
    "Participation",
    "Prize",
    "Property",
    "Reward",
    "RewardClaimed",
    "baseline_days",
    "study",
]
