"""qyapi.weixin.qq.com for one corp: one method per endpoint, named after it. Every method raises one of the ten kinds.

Wire types that only one module needs stand in it; those of several are in ``models``. Everything about customers
takes the customer-contact token, the list of ids that of 通讯录同步, and all else the app's.
"""

from adapters.enterprise_chat.client.bills import BillsClient
from adapters.enterprise_chat.client.customers import BATCH_LIMIT, CustomersClient
from adapters.enterprise_chat.client.directory import USER_GET, DirectoryClient
from adapters.enterprise_chat.client.groups import PAGE_LIMIT, GroupsClient
from adapters.enterprise_chat.client.handovers import HandoversClient
from adapters.enterprise_chat.client.messages import DUPLICATE_WINDOW, MessagesClient
from adapters.enterprise_chat.client.sends import SendsClient
from adapters.enterprise_chat.client.ways import WaysClient

__all__ = [
    "BATCH_LIMIT",
    "DUPLICATE_WINDOW",
    "PAGE_LIMIT",
    "USER_GET",
    "BillsClient",
    "CustomersClient",
    "DirectoryClient",
    "GroupsClient",
    "HandoversClient",
    "MessagesClient",
    "SendsClient",
    "WaysClient",
]
