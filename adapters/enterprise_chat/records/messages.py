"""App messages of every kind (应用消息), and the app's tile on the workbench (工作台)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets a message: at most 1000 userids, 100 departments, 100 tags of employees; or everybody."""

    userids: tuple[str, ...] = ()
    departments: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class TextMessage:
    """文本: 2048 bytes, ``<a href>`` allowed."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MarkdownMessage:
    """markdown: 2048 bytes of a subset."""

    text: str = field(repr=False)


class MediaKind(enum.StrEnum):
    """Kinds of 临时素材."""

    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class MediaMessage:
    """图片, 语音, 视频 or 文件 of ``upload_media``; title and description of a video only."""

    kind: MediaKind
    media_id: str
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class TextCardMessage:
    """文本卡片: title 128, text 512 characters, URL 2048 bytes, button four characters."""

    title: str
    text: str = field(repr=False)
    url: str
    button: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """One of 图文's: a page's ``url``, or a mini-program's ``appid`` and ``page``, which win."""

    title: str
    description: str = ""
    url: str = ""
    picture_url: str = ""
    appid: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class NewsMessage:
    """图文: one to eight articles."""

    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class MiniProgramMessage:
    """小程序通知: title 4 to 12 characters, at most ten lines of 10 and 30. Not to everybody."""

    appid: str
    title: str
    page: str = ""
    description: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    emphasise_first: bool = False


@dataclass(frozen=True, slots=True)
class CardButton:
    """A button: ``key`` comes back in the event of its press; ``url`` opens a page instead."""

    text: str
    key: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class CardQuestion:
    """A question with its answers, (id, text) each: 20 of a vote, 10 of other cards."""

    key: str
    title: str
    options: tuple[tuple[str, str], ...]


class CardKind(enum.StrEnum):
    """Kinds of 模板卡片: 文本通知型, 图文展示型, 按钮交互型, 投票选择型, 多项选择型. The last three call back."""

    TEXT = "text_notice"
    PICTURE = "news_notice"
    BUTTONS = "button_interaction"
    VOTE = "vote_interaction"
    CHOICES = "multiple_interaction"


@dataclass(frozen=True, slots=True)
class CardMessage:
    """模板卡片.

    Attributes:
        url: where TEXT and PICTURE lead; or ``appid`` and ``page``.
        task_id: unique per app, 128 of ``[0-9A-Za-z_@-]``; the cards that call back need one.
        lines: at most six (key, value).
        picture_url: of PICTURE.
        buttons: of BUTTONS, one to six.
        questions: one of VOTE, one to three of CHOICES.
        several: a VOTE takes several answers.
        submit: (text, key) of the button under questions.
    """

    kind: CardKind
    title: str
    text: str = field(default="", repr=False)
    url: str = ""
    appid: str = ""
    page: str = ""
    task_id: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    picture_url: str = ""
    buttons: tuple[CardButton, ...] = ()
    questions: tuple[CardQuestion, ...] = ()
    several: bool = False
    submit: tuple[str, str] = ("", "")


MessageContent = (
    TextMessage | MarkdownMessage | MediaMessage | TextCardMessage | NewsMessage | MiniProgramMessage | CardMessage
)


@dataclass(frozen=True, slots=True)
class TileItem:
    """A figure (``label`` and ``value``) or a line (``label`` alone), with where it leads."""

    label: str
    value: str = ""
    url: str = ""
    page: str = ""


class TileKind(enum.StrEnum):
    """关键数据型, 图片型, 列表型, 网页型; OFF: the icon alone."""

    FIGURES = "keydata"
    PICTURE = "image"
    LINES = "list"
    PAGE = "webview"
    OFF = "normal"


@dataclass(frozen=True, slots=True)
class Tile:
    """What the app shows on the workbench.

    Attributes:
        items: four FIGURES at most, three LINES.
        content_url: of the PICTURE (3.35 to 1), or of the PAGE.
        url, page: where PICTURE and PAGE lead: a page, or a mini-program's.
        double_height: a PAGE of two rows.
    """

    kind: TileKind
    items: tuple[TileItem, ...] = ()
    content_url: str = ""
    url: str = ""
    page: str = ""
    double_height: bool = False
