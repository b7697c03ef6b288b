"""Templates (模板) of template messages and of subscribe messages."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import templates
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.subscribe_messages import SubscribeTool
from gateway.transactions.actions import Performed
from gateway.transactions.effects import message_templates, subscribe_templates, template_book

_ACCOUNT = "appid; the first official account of the settings without one."
_EITHER = "appid; the first mini-program, or the first official account, of the settings without one."


@strawberry.type(description="An industry of an official account (所属行业), which decides its library of templates.")
class Industry:
    """Industry."""

    name: str = strawberry.field(description="一级行业.")
    below: str = strawberry.field(description="二级行业.")


@strawberry.type(description="A template of template messages (消息模板).")
class MessageTemplate:
    """Template."""

    template_id: str = strawberry.field(description="模板ID: what templateMessageSend takes.")
    title: str = strawberry.field(description="标题.")
    content: str = strawberry.field(description="Its text, with its fields as {{thing1.DATA}}.")
    example: str = strawberry.field(description="An example of the text; empty without.")


@strawberry.type(description="The templates of template messages that an official account has.")
class MessageTemplateBook:
    """Book."""

    account: str = strawberry.field(description="appid.")

    @strawberry.field(description="Its templates (模板列表): live, one call.")
    async def templates(self, info: Info) -> list[MessageTemplate] | None:
        return [
            MessageTemplate(template_id=each.template_id, title=each.title, content=each.content, example=each.example)
            for each in await templates.templates(info.context, self.account)
        ]

    @strawberry.field(description="Its industries (所属行业), the main one first: live, one call.")
    async def industries(self, info: Info) -> list[Industry] | None:
        found = await templates.industries(info.context, self.account)
        return [Industry(name=name, below=below) for name, below in found]


@strawberry.type(description="A template of subscribe messages (订阅消息模板, 订阅通知模板).")
class SubscribeTemplate:
    """Template."""

    account: str = strawberry.field(description="appid of whoever may send it.")
    template_id: str = strawberry.field(description="模板ID: what subscribeMessageSend takes.")
    title: str = strawberry.field(description="标题.")
    content: str = strawberry.field(description="Its text, with its fields as {{thing1.DATA}}.")
    example: str = strawberry.field(description="An example of the text; empty without.")
    long_term: bool = strawberry.field(
        description="长期订阅: a member who accepted it once may be sent any number; else one (一次性订阅)."
    )


@strawberry.input(description="A template of the platform's library to take.")
class MessageTemplateAddInput:
    """Template."""

    number: str = strawberry.field(description="Its number in the library (模板库中模板的编号), such as TM00015.")
    keywords: list[str] = strawberry.field(
        description="The words that are wanted, of a template by category (类目模板); 10 at most.", default_factory=list
    )
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> message_templates.Wanted:
        """As the action takes it."""
        return message_templates.Wanted(self.number, tuple(self.keywords), self.account)


@strawberry.input(description="A template of template messages to give up.")
class MessageTemplateDeleteInput:
    """Template."""

    template_id: str = strawberry.field(description="模板ID.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> template_book.WantedGone:
        """As the action takes it."""
        return template_book.WantedGone(self.template_id, self.account)


@strawberry.input(description="A template of subscribe messages to take from the platform's library.")
class SubscribeTemplateAddInput:
    """Template."""

    number: str = strawberry.field(description="The number of its title in the library (模板标题id, tid).")
    keywords: list[int] = strawberry.field(
        description="Numbers of 2 to 5 of its words (关键词id, kid), in the order of the text."
    )
    purpose: str = strawberry.field(description="服务场景描述, 15 characters at most.", default="")
    tool: SubscribeTool = strawberry.field(description="Whose.", default=SubscribeTool.MINI_PROGRAM)
    account: str | None = strawberry.field(description=_EITHER, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> subscribe_templates.Wanted:
        """As the action takes it."""
        return subscribe_templates.Wanted(self.number, tuple(self.keywords), self.purpose, self.account)


@strawberry.input(description="A template of subscribe messages to give up.")
class SubscribeTemplateDeleteInput:
    """Template."""

    template_id: str = strawberry.field(description="模板ID.")
    tool: SubscribeTool = strawberry.field(description="Whose.", default=SubscribeTool.MINI_PROGRAM)
    account: str | None = strawberry.field(description=_EITHER, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> template_book.WantedGone:
        """As the action takes it."""
        return template_book.WantedGone(self.template_id, self.account)


@strawberry.type(description="The template was taken, or is given up.")
class TemplateChanged:
    """Changed."""

    transaction_id: strawberry.Private[str]
    account: str = strawberry.field(description="appid.")
    template_id: str = strawberry.field(description="模板ID.")

    transaction = done_by("The transaction that did it.")


TemplateResult = Annotated[
    TemplateChanged | DomainProblem | ToolProblem,
    strawberry.union("TemplateResult", description="What became of the template, or why nothing did."),
]


@strawberry.type(description="Questions about templates.")
class TemplateQueries:
    """Templates."""

    @strawberry.field(
        description="The templates of template messages that an official account has (获取模板列表). Needs the scope"
        " messages:send."
    )
    async def message_templates(
        self, info: Info, account: Annotated[str | None, strawberry.argument(description=_ACCOUNT)] = None
    ) -> MessageTemplateBook | None:
        return MessageTemplateBook(account=templates.account(info.context, account))

    @strawberry.field(
        description="The templates of subscribe messages that a mini-program or an official account may send"
        " (获取私有模板列表): live, one call. Needs the scope messages:send."
    )
    async def subscribe_templates(
        self,
        info: Info,
        tool: Annotated[SubscribeTool, strawberry.argument(description="Whose.")] = SubscribeTool.MINI_PROGRAM,
        account: Annotated[str | None, strawberry.argument(description=_EITHER)] = None,
    ) -> list[SubscribeTemplate] | None:
        found = await templates.subscribe_templates(info.context, tool.name, account)
        return [
            SubscribeTemplate(
                account=each.account,
                template_id=each.template,
                title=each.title,
                content=each.content,
                example=each.example,
                long_term=each.long_term,
            )
            for each in found
        ]


@strawberry.type(description="Mutations about templates.")
class TemplateMutations:
    """Templates."""

    @strawberry.mutation(
        description="Take a template of the platform's library for template messages (获得模板ID). Needs the scope"
        " messages:send."
    )
    async def message_template_add(
        self,
        info: Info,
        input: Annotated[MessageTemplateAddInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> TemplateResult:
        info.context.principal.require(templates.SCOPE)
        return _changed(await ask(info, message_templates.ADD, input))

    @strawberry.mutation(
        description="Give a template of template messages up (删除模板). It cannot be undone: taken again, it has"
        " another id. Needs the scope messages:send."
    )
    async def message_template_delete(
        self,
        info: Info,
        input: Annotated[MessageTemplateDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> TemplateResult:
        info.context.principal.require(templates.SCOPE)
        return _changed(await ask(info, message_templates.DELETE, input))

    @strawberry.mutation(
        description="Take a template of the platform's library for subscribe messages (选用模板). Needs the scope"
        " messages:send."
    )
    async def subscribe_template_add(
        self,
        info: Info,
        input: Annotated[SubscribeTemplateAddInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> TemplateResult:
        info.context.principal.require(templates.SCOPE)
        official = input.tool is SubscribeTool.OFFICIAL_ACCOUNT
        action = subscribe_templates.ACCOUNT_ADD if official else subscribe_templates.ADD
        return _changed(await ask(info, action, input))

    @strawberry.mutation(
        description="Give a template of subscribe messages up (删除模板): what members accepted of it is lost. Needs"
        " the scope messages:send."
    )
    async def subscribe_template_delete(
        self,
        info: Info,
        input: Annotated[SubscribeTemplateDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> TemplateResult:
        info.context.principal.require(templates.SCOPE)
        official = input.tool is SubscribeTool.OFFICIAL_ACCOUNT
        action = subscribe_templates.ACCOUNT_DELETE if official else subscribe_templates.DELETE
        return _changed(await ask(info, action, input))


def _changed(
    done: Performed[template_book.Kept] | DomainProblem | ToolProblem,
) -> TemplateChanged | DomainProblem | ToolProblem:
    if not isinstance(done, Performed):
        return done
    return TemplateChanged(
        transaction_id=done.transaction, account=done.outcome.account, template_id=done.outcome.template
    )
