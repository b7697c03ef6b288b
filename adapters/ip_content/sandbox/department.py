"""The licensing department: the document, and what people there do to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.ip_content.sandbox.document import build, draw, local
from sandbox.platform import Action, Kit
from sandbox.world import World


class Department:
    """Every change publishes the document under a greater version."""

    def __init__(self, platform: str, world: World, kit: Kit, licensee: str) -> None:
        self._platform = platform
        self._kit = kit
        # Versions are instants, so that a sandbox started later never publishes an older one.
        self.document = build(world, licensee, int(kit.clock.now().timestamp()))

    def actions(self) -> Mapping[str, Action]:
        """What people do in the licensing department.

        ``property_status`` {slug, status}; ``agreement_status`` {number, status};
        ``activation_status`` {code, status}; ``grant_terms`` {number, …fields of the grant};
        ``card_rules`` {activation, daily_cap?, guarantee_after?, prize?, cards?: {id: {weight?, stock?}}};
        ``activation_new`` {code, ip, name, stores, start, end}, which is planned; ``drop_terms`` {code, …};
        ``reserve`` {ip, territories, categories, channels, start, end} (somebody else's exclusivity);
        ``asset_terms`` {id, …}; ``sku_terms`` {gtin, …}; ``contest_terms`` {code, …} (``correct`` settles a quiz);
        ``collect`` {activation, unionid, entry_ref, card_id}.
        """
        return {
            "property_status": self._status("properties", "slug"),
            "agreement_status": self._status("agreements", "number"),
            "activation_status": self._status("activations", "code"),
            "grant_terms": self._grant_terms,
            "card_rules": self._card_rules,
            "reserve": self._reserve,
            "asset_terms": self._terms("assets", "id"),
            "sku_terms": self._terms("skus", "gtin"),
            "contest_terms": self._terms("contests", "code"),
            "drop_terms": self._terms("drops", "code"),
            "activation_new": self._activation_new,
            "collect": self._collect,
        }

    def _publish(self, kind: str, key: str, **data: Any) -> Mapping[str, Any]:
        now = self._kit.clock.now()
        self.document["version"] = max(self.document["version"] + 1, int(now.timestamp()))
        self.document["published_at"] = local(now)
        self._kit.effect(self._platform, kind, key, **data)
        return {"version": self.document["version"]}

    def _find(self, table: str, field: str, key: object) -> dict[str, Any]:
        found: dict[str, Any] | None = next((r for r in self.document[table] if r[field] == key), None)
        if found is None:
            raise ValueError(f"the catalogue has no {field} {key!r} in {table}")
        return found

    def _status(self, table: str, field: str) -> Action:
        async def change(body: Mapping[str, Any]) -> Mapping[str, Any]:
            row = self._find(table, field, body[field])
            row["status"] = str(body["status"])
            return self._publish("status", f"{table}/{body[field]}", status=row["status"])

        return change

    def _terms(self, table: str, field: str) -> Action:
        async def change(body: Mapping[str, Any]) -> Mapping[str, Any]:
            row = self._find(table, field, body[field])
            if unknown := body.keys() - row.keys():
                raise ValueError(f"{table} have no {sorted(unknown)}")
            row.update(body)
            return self._publish(table, str(body[field]), fields=sorted(body))

        return change

    async def _grant_terms(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        agreement = self._find("agreements", "number", body["number"])
        changes = {name: value for name, value in body.items() if name != "number"}
        for name, value in changes.items():
            target = agreement if name in agreement else agreement["grants"][0]
            if name not in target:
                raise ValueError(f"neither an agreement nor a grant has {name!r}")
            target[name] = value
        return self._publish("grant_terms", str(body["number"]), fields=sorted(changes))

    async def _card_rules(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        card_set = self._find("activations", "code", body["activation"])["card_set"]
        for name in {"daily_cap", "guarantee_after", "prize"} & body.keys():
            card_set[name] = body[name]
        for card in card_set["cards"]:
            card.update(body.get("cards", {}).get(card["id"], {}))
        return self._publish("card_rules", str(body["activation"]))

    async def _reserve(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._find("properties", "slug", body["ip"])
        axes = {name: list(body[name]) for name in ("territories", "categories", "channels")}
        window = {"start": str(body["start"]), "end": str(body["end"])}
        row = {"ip": body["ip"], **axes, "excluded_territories": [], "window": window}
        self.document["reservations"].append(row)
        return self._publish("reserve", f"{body['ip']}/{len(self.document['reservations'])}")

    async def _activation_new(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._find("properties", "slug", body["ip"])
        window = {"start": str(body["start"]), "end": str(body["end"])}
        known = {"code": body["code"], "ip": body["ip"], "name": body["name"], "stores": list(body["stores"])}
        self.document["activations"].append({**known, "window": window, "status": "planned", "card_set": None})
        return self._publish("activation_new", str(body["code"]))

    async def _collect(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        cards = self._find("activations", "code", body["activation"])["card_set"]["cards"]
        if body["card_id"] not in {card["id"] for card in cards}:
            raise ValueError(f"the set of {body['activation']} has no card {body['card_id']!r}")
        key = (body["activation"], body["entry_ref"])
        if any((d["card_set"], d["entry_ref"]) == key for d in self.document["draws"]):
            raise ValueError(f"the entry {body['entry_ref']!r} was used before")
        at = local(self._kit.clock.now())
        self.document["draws"].append(draw(str(key[0]), str(body["unionid"]), str(key[1]), str(body["card_id"]), at))
        return self._publish("collect", f"{key[0]}/{key[1]}", card=body["card_id"])
