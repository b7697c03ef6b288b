"""The emulated corp as the sandbox serves it: routes, settings, and what people do in their clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette

from adapters.enterprise_chat.sandbox.callbacks import NAME, CallbackSender
from adapters.enterprise_chat.sandbox.contacts import Contacts
from adapters.enterprise_chat.sandbox.credentials import Agent, TokenDesk
from adapters.enterprise_chat.sandbox.gate import Gate
from adapters.enterprise_chat.sandbox.groups import Groups
from adapters.enterprise_chat.sandbox.messages import Messages
from adapters.enterprise_chat.sandbox.organisation import Organisation
from adapters.enterprise_chat.sandbox.people import People
from adapters.enterprise_chat.sandbox.state import CorpState, copy_of
from adapters.enterprise_chat.sandbox.welcomes import Welcomes
from sandbox.faults import App
from sandbox.platform import Action, Kit
from sandbox.world import World


class Sandbox:
    """One corp. Changes made through the API cause no callback; changes made by people do."""

    name = NAME

    def __init__(self, world: World, kit: Kit) -> None:
        self._world = world
        self.state: CorpState = copy_of(world)
        self.desk = TokenDesk(world.corp, kit.clock)
        self.contacts = Contacts(self.state)
        self._callbacks = CallbackSender(world.corp, kit)
        self._people = People(world, self.state, kit, self._callbacks)
        self.gate = gate = Gate(self.desk, kit.clock)
        groups, messages, welcomes = Groups(self.state), Messages(self.state, kit), Welcomes(self.state, kit)
        organisation, contacts = Organisation(self.state), self.contacts
        customers = Agent.CUSTOMER_CONTACT
        self.app: App = Starlette(
            routes=[
                gate.token_route(),
                gate.route("user/get", organisation.user_get, Agent.APP),
                gate.route("department/list", organisation.department_list, Agent.APP),
                gate.route("message/send", messages.send, Agent.APP),
                gate.route("externalcontact/get_follow_user_list", contacts.get_follow_user_list, customers),
                gate.route("externalcontact/list", contacts.list_contacts, customers),
                gate.route("externalcontact/get", contacts.get, customers),
                gate.route("externalcontact/batch/get_by_user", contacts.batch_get_by_user, customers),
                gate.route("externalcontact/get_corp_tag_list", contacts.get_corp_tag_list, customers),
                gate.route("externalcontact/send_welcome_msg", welcomes.send, customers),
                gate.route("media/upload", welcomes.upload, *Agent),
                gate.route("externalcontact/get_unassigned_list", contacts.get_unassigned_list, customers),
                gate.route("externalcontact/groupchat/list", groups.list_groups, customers),
                gate.route("externalcontact/groupchat/get", groups.get, customers),
            ]
        )

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """See ``sandbox.platform.Platform``."""
        corp, world = self._world.corp, self._world
        protagonist = world.people[world.cast["protagonist"]]
        tag_id = next(iter(next(iter(corp.tag_groups.values()))))
        return {
            "accounts": {
                corp.alias: {
                    "base_url": base_url,
                    "kind": "corp",
                    "legal_entity": "上海屿见服饰有限公司",
                    "corpid": corp.corpid,
                    "agentid": corp.agentid,
                    "app_secret": corp.app_secret,
                    "contact_secret": corp.contact_secret,
                    "callback_token": corp.callback_token,
                    "aes_key": corp.aes_key,
                }
            },
            "known": {
                "userid": next(g.userid for g in world.guides if g.left_at is None),
                "left_userid": next(g.userid for g in world.guides if g.left_at is not None),
                "external_userid": protagonist.external_userid,
                "chat_id": world.groups[0].chat_id,
                "tag_id": tag_id,
                "department": world.stores[0].department,
            },
        }

    def actions(self) -> Mapping[str, Action]:
        """See ``sandbox.platform.Platform``."""
        people = self._people
        return {
            "add_contact": people.add_contact,
            "confirm_contact": people.confirm_contact,
            "delete_contact": people.delete_contact,
            "edit_contact": people.edit_contact,
            "join_group": people.join_group,
            "leave_group": people.leave_group,
            "refuse_handover": people.refuse_handover,
            "remove_employee": people.remove_employee,
            "rename_tag": people.rename_tag,
            "revoke_token": self._revoke_token,
            "verify_callback": self._verify_callback,
        }

    async def _revoke_token(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """{agent: app | customer_contact}: the platform takes the token back early."""
        return {"revoked": self.desk.revoke(Agent(body["agent"]))}

    async def _verify_callback(self, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The administrator saves the callback URL in the console."""
        return {"verified": await self._callbacks.verify()}
