"""Every kind of callback (回调) of a corp that concerns customers, employees or its apps, and its use here."""

from __future__ import annotations

from typing import Final

from adapters.base.webhooks import EventKind

_CONTACT: Final = "the customer is read again, with all their guides"
_GREETED: Final = f"{_CONTACT}; with a welcome code they are greeted at once, if the settings say how"
_GROUP: Final = "the group is read again, with its members"
_TAGS: Final = "all corp tags are read again"
_STAFF: Final = "the employee is read again"
_DEPARTMENTS: Final = "stores come from the ERP; the sync reads who is where"
_APP: Final = "an employee's act in an app: nothing depends on it"
_LINK: Final = "获客助手 is not used"

EVENT_KINDS: Final = (
    EventKind(
        "change_external_contact/add_external_contact",
        "添加企业客户",
        "ContactAdded",
        _GREETED,
    ),
    EventKind(
        "change_external_contact/add_half_external_contact",
        "外部联系人免验证添加成员",
        "ContactAdded",
        _GREETED,
    ),
    EventKind("change_external_contact/edit_external_contact", "编辑企业客户", "ContactEdited", _CONTACT),
    EventKind(
        "change_external_contact/del_external_contact", "删除企业客户", "ContactRemoved", "the guide ended the contact"
    ),
    EventKind(
        "change_external_contact/del_follow_user",
        "删除跟进成员",
        "ContactRemoved",
        "the customer ended the contact; nothing else tells",
    ),
    EventKind(
        "change_external_contact/transfer_fail",
        "客户接替失败",
        "HandoverFailed",
        "the guide who was to take over does not: the customer refused, or the guide is full",
    ),
    EventKind("change_external_chat/create", "客户群创建", "GroupChanged", _GROUP),
    EventKind("change_external_chat/update", "客户群变更", "GroupChanged", _GROUP),
    EventKind("change_external_chat/dismiss", "客户群解散", "GroupChanged", _GROUP),
    EventKind("change_external_tag/create", "创建企业客户标签", "CorpTagsChanged", _TAGS),
    EventKind("change_external_tag/update", "变更企业客户标签", "CorpTagsChanged", _TAGS),
    EventKind("change_external_tag/delete", "删除企业客户标签", "CorpTagsChanged", _TAGS),
    EventKind("change_external_tag/shuffle", "重排企业客户标签", "CorpTagsChanged", _TAGS),
    EventKind("change_contact/create_user", "新增成员", "EmployeeChanged", _STAFF),
    EventKind("change_contact/update_user", "更新成员", "EmployeeChanged", _STAFF),
    EventKind("change_contact/delete_user", "删除成员", "EmployeeChanged", "the guide has left"),
    EventKind("change_contact/create_party", "新增部门", "", _DEPARTMENTS),
    EventKind("change_contact/update_party", "更新部门", "", _DEPARTMENTS),
    EventKind("change_contact/delete_party", "删除部门", "", _DEPARTMENTS),
    EventKind("change_contact/update_tag", "成员标签变更", "", "employees' tags are not read"),
    EventKind("template_card_event", "模板卡片", "", _APP),
    EventKind("template_card_menu_event", "通用模板卡片右上角菜单", "", _APP),
    EventKind("subscribe", "关注应用", "", _APP),
    EventKind("unsubscribe", "取消关注应用", "", _APP),
    EventKind("enter_agent", "进入应用", "", _APP),
    EventKind("LOCATION", "上报地理位置", "", "where somebody is, is not kept"),
    EventKind("click", "点击菜单拉取消息", "", _APP),
    EventKind("view", "点击菜单跳转链接", "", _APP),
    EventKind("batch_job_result", "异步任务完成", "", "nothing here starts such a task"),
    EventKind("open_approval_change", "审批状态", "", _APP),
    EventKind("switch_workbench_mode", "工作台自定义开关", "", _APP),
    EventKind("inactive_alert", "长期未使用应用停用预警", "", "for the operator"),
    EventKind("close_inactive_agent", "长期未使用应用临时停用", "", "for the operator"),
    EventKind("reopen_inactive_agent", "长期未使用应用重新启用", "", "for the operator"),
    EventKind("low_active_alert", "低活跃预警", "", "for the operator"),
    EventKind("low_active", "低活跃", "", "for the operator: less of the customers can be read"),
    EventKind("active_restored", "活跃恢复", "", "for the operator"),
    EventKind("customer_acquisition/balance_low", "获客额度即将耗尽", "", _LINK),
    EventKind("customer_acquisition/balance_exhausted", "获客额度已耗尽", "", _LINK),
    EventKind("customer_acquisition/balance_increased", "获客额度增加", "", _LINK),
    EventKind("customer_acquisition/link_unavailable", "获客链接不可用", "", _LINK),
    EventKind("customer_acquisition/delete_link", "删除获客链接", "", _LINK),
    EventKind("customer_acquisition/quota_expire_soon", "获客额度即将过期", "", _LINK),
    EventKind("customer_acquisition/open_profile", "打开名片", "", _LINK),
    EventKind("customer_acquisition/friend_request", "发起好友申请", "", _LINK),
    EventKind("customer_acquisition/customer_start_chat", "客户发起会话", "", _LINK),
    EventKind("customer_acquisition/message_from_customer", "收到客户消息", "", _LINK),
    EventKind("msgaudit_notify", "产生会话回调", "", "会话内容存档 is not read"),
)
