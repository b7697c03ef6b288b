"""The emulated corp as the sandbox serves it: routes, settings, and what people do in their clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from adapters.enterprise_chat.sandbox.bills import Bills
from adapters.enterprise_chat.sandbox.callbacks import NAME, CallbackSender
from adapters.enterprise_chat.sandbox.contacts import Contacts
from adapters.enterprise_chat.sandbox.credentials import Agent, TokenDesk
from adapters.enterprise_chat.sandbox.figures import Figures
from adapters.enterprise_chat.sandbox.gate import Gate, Handler
from adapters.enterprise_chat.sandbox.group_sends import GroupSends
from adapters.enterprise_chat.sandbox.group_welcomes import GroupWelcomes
from adapters.enterprise_chat.sandbox.groups import Groups
from adapters.enterprise_chat.sandbox.handovers import Handovers
from adapters.enterprise_chat.sandbox.messages import Messages
from adapters.enterprise_chat.sandbox.organisation import Organisation
from adapters.enterprise_chat.sandbox.people import People
from adapters.enterprise_chat.sandbox.sidebar import Sidebar
from adapters.enterprise_chat.sandbox.state import CorpState, copy_of
from adapters.enterprise_chat.sandbox.tags import Tags
from adapters.enterprise_chat.sandbox.ways import Ways
from adapters.enterprise_chat.sandbox.welcomes import Welcomes
from adapters.enterprise_chat.sandbox.workbench import Workbench
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
        self._callbacks = callbacks = CallbackSender(world.corp, kit)
        self.gate = gate = Gate(self.desk, kit.clock)
        self.organisation = Organisation(self.state)
        self.contacts = Contacts(self.state, kit)
        self.tags = Tags(self.state, kit)
        self.ways = Ways(self.state, kit)
        self.groups = Groups(self.state, kit)
        self.figures = Figures(self.state, kit)
        self.handovers = Handovers(self.state, kit, callbacks)
        self.sends = GroupSends(self.state, kit)
        self.group_welcomes = GroupWelcomes(self.state, kit)
        self.welcomes = Welcomes(self.state, kit)
        self.messages = Messages(self.state, kit, callbacks)
        self.workbench = Workbench(self.state, kit)
        self.sidebar = Sidebar(self.state, kit)
        self.bills = Bills(world, self.state, kit)
        self._people = People(world, self.state, kit, callbacks, self.ways, self.handovers)
        gate.before.append(self.handovers.settle)
        self.app: App = Starlette(routes=[gate.token_route(), *self._routes()])

    def _routes(self) -> Iterator[Route]:
        for path, handler in self._app_calls().items():
            yield self.gate.route(path, handler, Agent.APP)
        for path, handler in self._customer_calls().items():
            yield self.gate.route(path, handler, Agent.CUSTOMER_CONTACT)
        yield self.gate.route("user/list_id", self.organisation.user_list_id, Agent.CONTACTS_SYNC)
        simple = self.organisation.department_simplelist
        yield self.gate.route("department/simplelist", simple, Agent.APP, Agent.CONTACTS_SYNC)
        yield self.gate.route("media/upload", self.welcomes.upload, *Agent)
        yield self.gate.route("media/uploadimg", self.welcomes.upload_img, *Agent)

    def _app_calls(self) -> Mapping[str, Handler]:
        organisation, messages, sidebar, workbench = self.organisation, self.messages, self.sidebar, self.workbench
        return {
            "user/get": organisation.user_get,
            "user/list": organisation.user_list,
            "user/simplelist": organisation.user_simplelist,
            "department/get": organisation.department_get,
            "department/list": organisation.department_list,
            "message/send": messages.send,
            "message/recall": messages.recall,
            "message/update_template_card": messages.update_template_card,
            "agent/set_workbench_template": workbench.set_template,
            "agent/get_workbench_template": workbench.get_template,
            "agent/set_workbench_data": workbench.set_data,
            "agent/batch_set_workbench_data": workbench.batch_set_data,
            "agent/get_workbench_data": workbench.get_data,
            "auth/getuserinfo": sidebar.getuserinfo,
            "user/getuserinfo": sidebar.old_getuserinfo,
            "miniprogram/jscode2session": sidebar.jscode2session,
            "get_jsapi_ticket": sidebar.get_jsapi_ticket,
            "ticket/get": sidebar.ticket_get,
            "getcallbackip": sidebar.getcallbackip,
        }

    def _customer_calls(self) -> Mapping[str, Handler]:
        contacts, tags, ways, groups = self.contacts, self.tags, self.ways, self.groups
        sends, handovers, welcomes = self.sends, self.handovers, self.group_welcomes
        calls: Mapping[str, Handler] = {
            "get_follow_user_list": contacts.get_follow_user_list,
            "list": contacts.list_contacts,
            "get": contacts.get,
            "batch/get_by_user": contacts.batch_get_by_user,
            "remark": contacts.remark,
            "get_unassigned_list": contacts.get_unassigned_list,
            "get_corp_tag_list": tags.get_corp_tag_list,
            "add_corp_tag": tags.add_corp_tag,
            "edit_corp_tag": tags.edit_corp_tag,
            "del_corp_tag": tags.del_corp_tag,
            "mark_tag": tags.mark_tag,
            "get_user_behavior_data": self.figures.get_user_behavior_data,
            "add_contact_way": ways.add_contact_way,
            "get_contact_way": ways.get_contact_way,
            "list_contact_way": ways.list_contact_way,
            "update_contact_way": ways.update_contact_way,
            "del_contact_way": ways.del_contact_way,
            "groupchat/add_join_way": ways.add_join_way,
            "groupchat/get_join_way": ways.get_join_way,
            "groupchat/update_join_way": ways.update_join_way,
            "groupchat/del_join_way": ways.del_join_way,
            "groupchat/list": groups.list_groups,
            "groupchat/get": groups.get,
            "groupchat/statistic": self.figures.statistic,
            "groupchat/statistic_group_by_day": self.figures.statistic_group_by_day,
            "groupchat/onjob_transfer": groups.onjob_transfer,
            "groupchat/transfer": groups.transfer,
            "opengid_to_chatid": groups.opengid_to_chatid,
            "transfer_customer": handovers.transfer_customer,
            "transfer_result": handovers.transfer_result,
            "resigned/transfer_customer": handovers.resigned_transfer_customer,
            "resigned/transfer_result": handovers.resigned_transfer_result,
            "add_msg_template": sends.add_msg_template,
            "get_groupmsg_list_v2": sends.get_groupmsg_list_v2,
            "get_groupmsg_task": sends.get_groupmsg_task,
            "get_groupmsg_send_result": sends.get_groupmsg_send_result,
            "remind_groupmsg_send": sends.remind,
            "cancel_groupmsg_send": sends.cancel,
            "send_welcome_msg": self.welcomes.send,
            "group_welcome_template/add": welcomes.add,
            "group_welcome_template/edit": welcomes.edit,
            "group_welcome_template/get": welcomes.get,
            "group_welcome_template/del": welcomes.delete,
        }
        return {f"externalcontact/{path}": handler for path, handler in calls.items()} | {
            "externalpay/get_bill_list": self.bills.get_bill_list
        }

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
                    "sync_secret": corp.sync_secret,
                    "trusted_hosts": list(self.sidebar.trusted_hosts),
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
            "check_js_config": self.sidebar.check_js_config,
            "collect": self.bills.collect,
            "confirm_group_send": self.sends.confirm,
            "confirm_contact": people.confirm_contact,
            "delete_contact": people.delete_contact,
            "edit_contact": people.edit_contact,
            "join_group": people.join_group,
            "leave_group": people.leave_group,
            "open_sidebar": self.sidebar.open,
            "press_card": self.messages.press,
            "refund_collection": self.bills.refund,
            "refuse_handover": people.refuse_handover,
            "remove_employee": people.remove_employee,
            "rename_tag": people.rename_tag,
            "revoke_token": self._revoke_token,
            "scan": people.scan,
            "verify_callback": self._verify_callback,
        }

    async def _revoke_token(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """{agent: app | customer_contact}: the platform takes the token back early."""
        return {"revoked": self.desk.revoke(Agent(body["agent"]))}

    async def _verify_callback(self, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The administrator saves the callback URL in the console."""
        return {"verified": await self._callbacks.verify()}
