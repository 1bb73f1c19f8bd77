"""A forum: boards, topics, posts."""
# ruff: noqa: E501 - markup reads better unbroken

from tests.sites.player import Truth, document, static

FORUM_DOMAIN = "forum.test"
_BOARDS = {1: "Announcements", 2: "Boat building", 3: "Sails and rigging", 4: "Engines", 5: "Harbours"}
_SUBJECTS = ("leaking hatch", "frayed halyard", "noisy pump", "missing shackle", "soft deck", "bent stanchion")
_PEOPLE = ("oarsman", "lugger", "tiller_tom", "spinnaker", "bosun")
_TOPICS = range(1, 61)
_PER_PAGE = 8


def _board(topic: int) -> int:
    return 1 + topic % len(_BOARDS)


def _title(topic: int) -> str:
    return f"Question {topic}: {_SUBJECTS[topic % 6]}"


def _board_path(board: int, page: int = 1) -> str:
    return f"/board/{board}/" + (f"?page={page}" if page > 1 else "")


def _topic_path(topic: int) -> str:
    return f"/topic/{topic}-{_SUBJECTS[topic % 6].replace(' ', '-')}/"


def _page(title: str, main: str, crumbs: str = "") -> bytes:
    body = (
        '<div id="wrap"><header class="headerbar"><a class="logo" href="/">The Slipway</a>'
        '<ul class="linklist"><li><a href="/login/">Login</a></li><li><a href="/members/">Members</a></li></ul></header>'
        f'<nav class="breadcrumbs"><a href="/">Board index</a>{crumbs}</nav><div id="page-body">{main}</div>'
        '<footer class="copyright">Powered by our own forum</footer></div>'
    )
    return document(f"{title} - The Slipway", body)


def _index() -> bytes:
    rows = "".join(
        f'<li class="row"><dl><dt><a class="forumtitle" href="{_board_path(board)}">{name}</a><br>All about {name.lower()}.</dt>'
        f'<dd class="topics">{len(_TOPICS) // len(_BOARDS)} topics</dd></dl></li>'
        for board, name in _BOARDS.items()
    )
    return _page("Board index", f'<h1>Board index</h1><ul class="topiclist forums">{rows}</ul>')


def _boards() -> dict[str, bytes]:
    pages = {}
    for board, name in _BOARDS.items():
        topics = [topic for topic in _TOPICS if _board(topic) == board]
        count = -(-len(topics) // _PER_PAGE)
        for page in range(1, count + 1):
            rows = "".join(
                f'<li class="row"><dl class="row-item topic_read"><dt><a class="topictitle" href="{_topic_path(topic)}">'
                f'{_title(topic)}</a> by <a class="username" href="/member/{_PEOPLE[topic % 5]}/">{_PEOPLE[topic % 5]}</a></dt>'
                f'<dd class="posts">{1 + topic % 5} replies</dd><dd class="views">{topic * 37} views</dd></dl></li>'
                for topic in topics[(page - 1) * _PER_PAGE : page * _PER_PAGE]
            )
            after = f'<a class="next" rel="next" href="{_board_path(board, page + 1)}">Next</a>' if page < count else ""
            main = f'<h2 class="forum-title">{name}</h2><ul class="topiclist topics">{rows}</ul><div class="pagination">{after}</div>'
            pages[_board_path(board, page)] = _page(name, main)
    return pages


def _topic(topic: int) -> bytes:
    posts = "".join(
        f'<div id="p{topic * 10 + at}" class="post"><dl class="postprofile"><dt><a class="username" '
        f'href="/member/{_PEOPLE[(topic + at) % 5]}/">{_PEOPLE[(topic + at) % 5]}</a></dt><dd>Posts: {at * 41 + topic}</dd></dl>'
        f'<div class="postbody"><p class="author"><time datetime="2024-06-{1 + (topic + at) % 28:02d}T12:00:00Z">'
        f'June {1 + (topic + at) % 28}</time></p><div class="content">{_say(topic, at)}</div></div></div>'
        for at in range(2 + topic % 5)
    )
    board = _board(topic)
    main = (
        f'<h2 class="topic-title">{_title(topic)}</h2>{posts}<a class="reply" href="/reply/{topic}/">Post a reply</a>'
    )
    return _page(_title(topic), main, f' <a href="{_board_path(board)}">{_BOARDS[board]}</a>')


def _say(topic: int, at: int) -> str:
    if at == 0:
        return f"Has anyone met a {_SUBJECTS[topic % 6]} before? Ours began on day {topic} and will not stop."
    return f"Yes, in year {at}. We took it apart twice, oiled what moved and tightened what did not. Try that first."


def _pages() -> dict[str, bytes]:
    pages = {"/": _index(), **_boards(), **{_topic_path(topic): _topic(topic) for topic in _TOPICS}}
    pages["/login/"] = _page("Login", '<form method="post"><input name="u"><input type="password" name="p"></form>')
    pages["/members/"] = _page("Members", "<h2>Members</h2><p>Five of us.</p>")
    return pages


forum = static(_pages(), FORUM_DOMAIN)
TRUTH = Truth(
    categories=frozenset(_board_path(board) for board in _BOARDS),
    kinds={"forum": [_topic_path(topic) for topic in _TOPICS]},
    values={_topic_path(topic): {"title": _title(topic)} for topic in _TOPICS},
)
