"""What we do at a platform is seen in our own rows: platforms call nobody back for changes made by API.

``FOLLOWS`` names for every writing method of an adapter that the gateway calls how its rows and facts follow. A new
call is a gap until its method stands here, and so is a caller that lost the function which makes them follow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from scripts.checks.source import ROOT, Module, modules
from tests.adapters.contract_subjects import SUBJECTS

#: Called under this name by the contract suite, for another way of the same method.
_SAME = {
    "order_address_accept": "order_address_request",
    "order_address_refuse": "order_address_request",
    "send_app_message_unkeyed": "send_app_message",
}


@dataclass(frozen=True)
class Follows:
    """``by`` are the functions of ours that write what the method did, in the function that calls it, or ``or_by`` in
    another one; where there are none, ``why`` says what follows it, or why nothing does."""

    by: frozenset[str] = frozenset()
    or_by: frozenset[str] = frozenset()
    why: str = ""


def _by(*names: str) -> Follows:
    return Follows(frozenset(names))


_LISTED = Follows(why="templates are listed by the platform whenever they are asked for")

FOLLOWS: Mapping[str, Follows] = {
    "cloud_storage.delete": Follows(why="the ledger of files says DELETED before its object goes"),
    "cloud_storage.delete_many": Follows(why="an erasure deletes the person's rows of files in its own transaction"),
    "cloud_storage.put": _by("insert_new"),
    # Called by nobody yet: official accounts' method has its name.
    "cloud_storage.tag": _by("tagged"),
    "enterprise_chat.add_contact_way": _by("_follow"),
    "enterprise_chat.add_corp_tags": _by("_keep"),
    "enterprise_chat.add_group_welcome": _by("_follow"),
    "enterprise_chat.add_join_way": _by("_follow"),
    "enterprise_chat.answer_card": _by("_follow_change"),
    "enterprise_chat.cancel_group_send": _by("_cancelled"),
    "enterprise_chat.create_group_send": _by("_follow"),
    "enterprise_chat.delete_contact_way": Follows(frozenset({"follow_change"}), frozenset({"deleting"})),
    "enterprise_chat.delete_corp_tags": Follows(frozenset({"_lose"}), frozenset({"tags_gone"})),
    "enterprise_chat.delete_group_welcome": _by("follow_change"),
    "enterprise_chat.delete_join_way": Follows(frozenset({"follow_change"}), frozenset({"deleting"})),
    "enterprise_chat.edit_corp_tag": Follows(frozenset({"_keep"}), frozenset({"tags_kept"})),
    "enterprise_chat.hand_over": _by("_follow"),
    "enterprise_chat.hand_over_groups": _by("_follow"),
    "enterprise_chat.hand_over_groups_resigned": _by("_follow"),
    "enterprise_chat.hand_over_resigned": _by("_follow"),
    "enterprise_chat.mark_tags": _by("tagged"),
    "enterprise_chat.publish_image": _by("_follow"),
    "enterprise_chat.recall_app_message": _by("_follow_change"),
    # Of a contact, and of a follower: two methods of one name.
    "enterprise_chat.remark": Follows(frozenset({"_follow"}), frozenset({"remarked"})),
    "enterprise_chat.remind_group_send": Follows(why="guides are reminded; nothing of ours changes"),
    "enterprise_chat.send_app_message": _by("_message_facts", "_message_fact"),
    "enterprise_chat.send_content": _by("_message_facts", "_message_fact", "_follow"),
    "enterprise_chat.send_welcome": _by("_tell"),
    "enterprise_chat.set_tile": Follows(why="tiles are read at the platform whenever they are asked for"),
    "enterprise_chat.set_tiles": Follows(why="tiles are read at the platform whenever they are asked for"),
    "enterprise_chat.update_contact_way": Follows(frozenset({"follow_change"}), frozenset({"changed"})),
    "enterprise_chat.update_join_way": Follows(frozenset({"follow_change"}), frozenset({"changed"})),
    "enterprise_chat.update_group_welcome": Follows(frozenset({"follow_change"}), frozenset({"changed"})),
    "enterprise_chat.upload_image": Follows(why="a picture of a card lives three days and is of no person"),
    "enterprise_chat.upload_media": _by("_follow"),
    "mini_program_store.coupon_create": _by("_told"),
    "mini_program_store.coupon_status_set": _by("_told"),
    "mini_program_store.coupon_update": _by("_told"),
    "mini_program_store.login": _by("batch"),
    "mini_program_store.after_sale_accept": _by("told"),
    "mini_program_store.after_sale_exchange_refuse": _by("told"),
    "mini_program_store.after_sale_exchange_ship": _by("told"),
    "mini_program_store.after_sale_open": _by("told"),
    "mini_program_store.after_sale_propose": _by("told"),
    "mini_program_store.after_sale_refund_proof": _by("told"),
    "mini_program_store.after_sale_reject": _by("told"),
    "mini_program_store.order_address_change": _by("read_again"),
    "mini_program_store.order_address_request": _by("_told"),
    "mini_program_store.order_note": Follows(why="remarks are read at the platform whenever they are asked for"),
    "mini_program_store.order_parcel_extra": _by("_followed"),
    "mini_program_store.order_parcels_correct": _by("_followed"),
    "mini_program_store.order_price_change": _by("_followed"),
    "mini_program_store.order_ship": _by("_followed"),
    "mini_program_store.phone_number": Follows(why="the caller binds the number that the platform tells"),
    "mini_program_store.product_add": _by("_told"),
    "mini_program_store.product_audit_cancel": _by("_told"),
    "mini_program_store.product_change": _by("_followed"),
    "mini_program_store.product_delete": Follows(frozenset({"_follow_deletion"}), frozenset({"product_deleted"})),
    "mini_program_store.product_delist": _by("_followed"),
    "mini_program_store.product_list": Follows(frozenset({"_followed"}), frozenset({"_told"})),
    "mini_program_store.product_update": _by("_told"),
    "mini_program_store.remind_receipt": _by("message_fact"),
    "mini_program_store.send_subscribe": _by("spent"),
    "mini_program_store.shipping_page_set": Follows(why="the platform shows nobody which page it has; we keep none"),
    "mini_program_store.shipping_upload": _by("_followed"),
    "official_account.blacklist_add": _by("blocked"),
    "official_account.blacklist_remove": _by("blocked"),
    "official_account.mass_preview": _by("message_fact"),
    "official_account.mass_to_followers": _by("_tell"),
    "official_account.media_upload": _by("_follow"),
    "official_account.remark": Follows(frozenset({"remarked"}), frozenset({"_follow"})),
    "official_account.menu_delete": Follows(why="the menu is read at the platform whenever it is asked for"),
    "official_account.menu_replace": Follows(why="the menu is read at the platform whenever it is asked for"),
    "official_account.publish": _by("upsert"),
    "official_account.scene_code": _by("upsert"),
    "official_account.sending_speed_change": Follows(why="the speed is read at the platform whenever it is asked for"),
    "official_account.sending_take_back": _by("upsert"),
    "official_account.tag": _by("tagged"),
    "official_account.tag_create": _by("_keep"),
    "official_account.tag_delete": Follows(frozenset({"_lose"}), frozenset({"tag_gone"})),
    "official_account.tag_rename": Follows(frozenset({"_keep"}), frozenset({"tag_kept"})),
    "official_account.template_add": _LISTED,
    "official_account.template_delete": _LISTED,
    "official_account.subscribe_template_add": Follows(
        why="templates are listed by the platform whenever they are asked for"
    ),
    "official_account.subscribe_template_delete": Follows(
        why="templates are listed by the platform whenever they are asked for"
    ),
    "mini_program_store.subscribe_template_add": Follows(
        why="templates are listed by the platform whenever they are asked for"
    ),
    "mini_program_store.subscribe_template_delete": Follows(
        why="templates are listed by the platform whenever they are asked for"
    ),
    "official_account.untag": _by("tagged"),
    "official_account.web_login": _by("batch"),
    "mini_program_store.stock_change": Follows(why="the book holds the pieces before, and `finish` moves them after"),
    "official_account.send_subscribe": _by("spent"),
    "official_account.show_typing": Follows(why="it is seen for some seconds, and no row of ours knows of it"),
    "official_account.send_customer_service": _by("message_fact"),
    "official_account.send_template": _by("message_fact"),
    "payments.prepay": Follows(why="nothing is paid yet: the order is our own row, the payment comes with its event"),
    "payments.prepay_code": Follows(why="the same; who paid comes with its event too"),
    "payments.close": Follows(why="the transaction that ends closes its order; a payment that nobody made has no row"),
    "payments.redirect_refund": _by("_taken"),
    "payments.refund": Follows(why="refund.request wrote it before, refund.settle asks the platform until it ends"),
    # Of a paid order, and at a till.
    "payments.use_coupon": Follows(frozenset({"coupons", "told"}), frozenset({"moved"})),
    "payments.return_coupon": Follows(frozenset({"coupon_returned"}), frozenset({"moved"})),
    "payments.send_cash_coupon": _by("_followed"),
    "payments.add_receiver": _by("added"),
    # By its mutation, and where entering is undone.
    "payments.delete_receiver": _by("struck_off"),
    "payments.share": _by("_followed"),
    "payments.unfreeze": _by("_followed"),
    "payments.return_share": _by("return_told"),
    "payments.pause_cash_stock": Follows(why="stocks are read at the platform whenever they are asked for"),
    "payments.restart_cash_stock": Follows(why="stocks are read at the platform whenever they are asked for"),
    "payments.start_cash_stock": Follows(why="stocks are read at the platform whenever they are asked for"),
    "payments.send_coupon": _by("_followed"),
    "payments.deactivate_coupon": _by("_followed"),
    "social_ads.set_account_budget": Follows(why="accounts are read at the platform whenever they are asked for"),
    "social_ads.set_budgets": _by("followed"),
    "social_ads.switch_ads": _by("followed"),
    "social_ads.update_ad": _by("followed"),
    "social_ads.create_ad": _by("followed"),
    "social_ads.create_action_set": Follows(why="data sources are listed by the platform whenever they are asked for"),
    "social_ads.create_audience": Follows(why="audiences are read at the platform whenever they are asked for"),
    "social_ads.delete_audience": Follows(frozenset({"_forgotten"}), frozenset({"forget"})),
    "social_ads.update_audience": Follows(why="audiences are read at the platform whenever they are asked for"),
    # Handed over, and taken out.
    "social_ads.send_audience_ids": Follows(frozenset({"_filled"}), frozenset({"_left"})),
    "social_ads.report_conversions": Follows(
        why="the platform's own figures come with the daily reports; what headquarters reports is a fact"
    ),
    "social_ads.report_lead_status": _by("_fact"),
    # By its action, and by the undoing of an offer.
    "payments.cancel_transfer": Follows(frozenset({"cancelled"}), frozenset({"told"})),
    # And where an offer that stands is asked for again.
    "payments.send_transfer": Follows(frozenset({"_offered"}), frozenset({"packaged"})),
}


def writing_methods() -> set[str]:
    return {
        f"{case.spec.name}.{_SAME.get(each.name, each.name)}"
        for case in (subject.case for subject in SUBJECTS)
        for each in case.operations
        if each.repeat != "read"
    }


def test_every_method_that_writes_at_a_platform_and_is_called_is_listed() -> None:
    house = list(modules(ROOT, "gateway"))
    called = {
        each
        for each in writing_methods()
        if any(True for module in house for _ in callers_of(module, each.partition(".")[2]))
    }
    assert called - FOLLOWS.keys() == set()
    assert FOLLOWS.keys() - writing_methods() == set()


@pytest.mark.parametrize("method", [name for name, each in FOLLOWS.items() if each.by])
def test_whoever_calls_it_makes_the_rows_follow(method: str) -> None:
    name = method.partition(".")[2]
    callers = [(module, function) for module in modules(ROOT, "gateway") for function in callers_of(module, name)]
    assert callers, f"nobody calls {method}: say why instead"
    for module, function in callers:
        called = {_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
        follows = FOLLOWS[method]
        missing = set() if follows.or_by and follows.or_by <= called else follows.by - called
        assert not missing, f"{module.path}: {function.name} calls {method} without {sorted(missing)}"


def callers_of(module: Module, name: str) -> Iterator[ast.AsyncFunctionDef]:
    """Outermost functions that await the method of an adapter."""
    if not re.search(rf"\.{name}\(", module.text):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("record"):
            awaited = (each.value for each in ast.walk(node) if isinstance(each, ast.Await))
            if any(isinstance(each, ast.Call) and _adapters(each, name) for each in awaited):
                yield node


def _adapters(call: ast.Call, name: str) -> bool:
    """``adapter.name(…)``, ``bucket.name(…)`` or ``ctx.tools.get(…).name(…)``."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != name:
        return False
    owner = call.func.value
    return (isinstance(owner, ast.Name) and owner.id in {"adapter", "bucket"}) or isinstance(owner, ast.Call)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
