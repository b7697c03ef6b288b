"""The one MetaData. Table modules in ``gateway.database.tables`` register themselves on it."""

from __future__ import annotations

from sqlalchemy import MetaData

#: Named constraints, so that a later migration can drop one by name on both databases.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
