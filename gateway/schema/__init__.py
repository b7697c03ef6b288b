"""The graph: the tuple of slices, and the schema built from them."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.tools import merge_types

from gateway.schema.activation_mutations import ActivationMutations
from gateway.schema.activations import ActivationQueries
from gateway.schema.ad_accounts import AdAccountQueries
from gateway.schema.ad_consents import AdConsentMutations, AdConsentQueries
from gateway.schema.ad_mutations import AdMutations
from gateway.schema.ads import AdQueries
from gateway.schema.after_sale_ways import AfterSaleMutations
from gateway.schema.app_messages import AppMessageMutations
from gateway.schema.articles import ArticleMutations, ArticleQueries
from gateway.schema.audience_mutations import AudienceMutations
from gateway.schema.audiences import AudienceQueries
from gateway.schema.cash_coupons import CashCouponMutations
from gateway.schema.cash_stocks import CashStockMutations, CashStockQueries
from gateway.schema.chat_figures import ChatFigureQueries
from gateway.schema.checkout import CheckoutMutations, CheckoutQueries
from gateway.schema.collection_bills import CollectionBillQueries
from gateway.schema.consents import ConsentMutations
from gateway.schema.contact_remarks import ContactRemarkMutations
from gateway.schema.contact_ways import ContactWayMutations, ContactWayQueries
from gateway.schema.contacts import CustomerGroup
from gateway.schema.conversions import ConversionMutations
from gateway.schema.corp_tags import CorpTagMutations
from gateway.schema.coupon_mutations import CouponMutations
from gateway.schema.customer_groups import CustomerGroupMutations, CustomerGroupQueries
from gateway.schema.customer_service_messages import CustomerServiceMessageMutations
from gateway.schema.decisions import DecisionMutations
from gateway.schema.directives import DIRECTIVES
from gateway.schema.employees import EmployeeQueries
from gateway.schema.events import EventQueries
from gateway.schema.file_mutations import FileMutations
from gateway.schema.follower_care import FollowerCareMutations, FollowerCareQueries
from gateway.schema.follower_figures import FollowerFigureQueries
from gateway.schema.follower_tags import FollowerTagMutations
from gateway.schema.group_sends import GroupSendMutations, GroupSendQueries
from gateway.schema.group_welcomes import GroupWelcomeMutations, GroupWelcomeQueries
from gateway.schema.guide_sessions import GuideSessionMutations, GuideSessionQueries
from gateway.schema.handovers import HandoverMutations, HandoverQueries
from gateway.schema.jobs import JobMutations, JobQueries
from gateway.schema.join_ways import JoinWayMutations, JoinWayQueries
from gateway.schema.leads import LeadQueries
from gateway.schema.licences import LicenceMutations, LicenceQueries
from gateway.schema.lives import LiveQueries
from gateway.schema.mass_messages import MassMessageMutations, MassMessageQueries
from gateway.schema.media import MediaMutations, MediaQueries
from gateway.schema.member_tags import MemberTagMutations, MemberTagQueries
from gateway.schema.members import MemberQueries
from gateway.schema.menus import MenuMutations, MenuQueries
from gateway.schema.mini_program_codes import MiniProgramCodeMutations, MiniProgramCodeQueries
from gateway.schema.nodes import NodeQueries
from gateway.schema.order_handling import OrderMutations
from gateway.schema.orders import OrderQueries
from gateway.schema.places import PlaceQueries
from gateway.schema.privacy import PrivacyMutations
from gateway.schema.product_drafts import ProductDraftMutations, ProductQueries
from gateway.schema.product_mutations import ProductMutations
from gateway.schema.profit_share_mutations import ProfitShareMutations, ProfitShareQueries
from gateway.schema.reach import ReachMutations
from gateway.schema.reconciliations import ReconciliationQueries
from gateway.schema.red_packet_mutations import RedPacketMutations, RedPacketQueries
from gateway.schema.refund_mutations import RefundMutations
from gateway.schema.review_cases import ReviewCaseQueries
from gateway.schema.scalars import CONFIG
from gateway.schema.scene_codes import SceneCodeMutations, SceneCodeQueries
from gateway.schema.sending_speeds import SendingSpeedMutations, SendingSpeedQueries
from gateway.schema.shipping_info import ShippingInfoMutations, ShippingInfoQueries
from gateway.schema.shop_figures import ShopFigureQueries
from gateway.schema.shop_money import ShopMoneyQueries
from gateway.schema.shop_orders import ShopOrderMutations, ShopOrderQueries
from gateway.schema.sidebar import SidebarQueries
from gateway.schema.standing import PointsMutations
from gateway.schema.stock import StockMutations
from gateway.schema.store_coupons import StoreCouponMutations, StoreCouponQueries
from gateway.schema.subscribe_messages import SubscribeMessageMutations
from gateway.schema.subscriptions import Subscriptions
from gateway.schema.system import SessionMutations, SystemQueries
from gateway.schema.template_messages import TemplateMessageMutations
from gateway.schema.templates import TemplateMutations, TemplateQueries
from gateway.schema.timeline import TIMELINE_TYPES
from gateway.schema.transactions import TransactionMutations, TransactionQueries
from gateway.schema.visit_figures import VisitFigureQueries
from gateway.schema.visits import VisitMutations
from gateway.schema.webhook_mutations import WebhookMutations
from gateway.schema.webhooks import WebhookQueries
from gateway.schema.workbench_tiles import WorkbenchTileMutations, WorkbenchTileQueries
from gateway.schema.wx_pages import WxPageQueries

QUERIES = (
    MemberQueries,
    AdQueries,
    LeadQueries,
    OrderQueries,
    PlaceQueries,
    ProductQueries,
    StoreCouponQueries,
    CheckoutQueries,
    ReviewCaseQueries,
    ReconciliationQueries,
    SystemQueries,
    NodeQueries,
    JobQueries,
    TransactionQueries,
    EmployeeQueries,
    EventQueries,
    WebhookQueries,
    MemberTagQueries,
    CollectionBillQueries,
    ContactWayQueries,
    CustomerGroupQueries,
    GroupSendQueries,
    GroupWelcomeQueries,
    GuideSessionQueries,
    HandoverQueries,
    JoinWayQueries,
    SidebarQueries,
    ChatFigureQueries,
    MassMessageQueries,
    MediaQueries,
    SceneCodeQueries,
    WorkbenchTileQueries,
    WxPageQueries,
    ArticleQueries,
    SendingSpeedQueries,
    TemplateQueries,
    MenuQueries,
    FollowerFigureQueries,
    FollowerCareQueries,
    VisitFigureQueries,
    LiveQueries,
    CashStockQueries,
    ShopFigureQueries,
    ShopMoneyQueries,
    ShopOrderQueries,
    MiniProgramCodeQueries,
    ShippingInfoQueries,
    AudienceQueries,
    AdAccountQueries,
    AdConsentQueries,
    ProfitShareQueries,
    RedPacketQueries,
    ActivationQueries,
    LicenceQueries,
)
MUTATIONS = (
    AdMutations,
    AdConsentMutations,
    ActivationMutations,
    AppMessageMutations,
    ArticleMutations,
    AudienceMutations,
    CashCouponMutations,
    CashStockMutations,
    CheckoutMutations,
    ConsentMutations,
    ContactRemarkMutations,
    ConversionMutations,
    CorpTagMutations,
    CouponMutations,
    CustomerGroupMutations,
    CustomerServiceMessageMutations,
    DecisionMutations,
    FileMutations,
    FollowerCareMutations,
    FollowerTagMutations,
    ContactWayMutations,
    GroupSendMutations,
    GroupWelcomeMutations,
    GuideSessionMutations,
    HandoverMutations,
    JobMutations,
    JoinWayMutations,
    MassMessageMutations,
    MediaMutations,
    SendingSpeedMutations,
    MenuMutations,
    LicenceMutations,
    OrderMutations,
    MemberTagMutations,
    PointsMutations,
    PrivacyMutations,
    AfterSaleMutations,
    ProductDraftMutations,
    StoreCouponMutations,
    ProductMutations,
    ProfitShareMutations,
    ReachMutations,
    SceneCodeMutations,
    RedPacketMutations,
    RefundMutations,
    SessionMutations,
    ShopOrderMutations,
    MiniProgramCodeMutations,
    ShippingInfoMutations,
    StockMutations,
    SubscribeMessageMutations,
    TemplateMessageMutations,
    TemplateMutations,
    TransactionMutations,
    VisitMutations,
    WebhookMutations,
    WorkbenchTileMutations,
)


class GatewaySchema(strawberry.Schema):
    """Strawberry's schema without its directive extension.

    Declaring an operation directive makes Strawberry hook every field asynchronously, which costs a list
    query five times its time; directives are read from the document instead.
    """

    def get_extensions(self, sync: bool = False) -> list[SchemaExtension]:
        """None: what extensions would do, the route does once per request."""
        del sync
        return []


def build_schema() -> GatewaySchema:
    """The whole graph."""
    query: Any = merge_types("Query", QUERIES)
    mutation: Any = merge_types("Mutation", MUTATIONS)
    # merge_types takes no description, and a root type without one is a gap in the docs.
    query.__strawberry_definition__.description = "Everything that can be asked: members (会员), orders, goods, tools."
    mutation.__strawberry_definition__.description = "Everything that can be done: log in, consent, buy (下单)."
    subscription: Any = merge_types("Subscription", (Subscriptions,))
    subscription.__strawberry_definition__.description = "Everything that is told as it happens (订阅)."
    return GatewaySchema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        directives=DIRECTIVES,
        types=[CustomerGroup, *TIMELINE_TYPES],
        config=CONFIG,
    )
