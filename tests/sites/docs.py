"""Documentation as Sphinx makes it."""
# ruff: noqa: E501 - markup reads better unbroken

from tests.sites.player import Truth, document, static

DOCS_DOMAIN = "docs.test"
_SECTIONS = {
    "start": ("Getting started", ("install", "first-steps", "configure", "upgrade", "remove")),
    "guide": ("User guide", ("tables", "queries", "exports", "schedules", "alerts", "sharing", "backups")),
    "reference": ("Reference", ("commands", "settings", "errors", "formats", "limits", "events", "types", "glossary")),
    "develop": ("Developing", ("build", "test", "plugins", "releases")),
}
_VERSION = "2.4"


def _name(slug: str) -> str:
    return slug.replace("-", " ").capitalize()


def _tree() -> str:
    items = "".join(
        f'<li class="toctree-l1"><a class="reference internal" href="/en/stable/{section}/index.html">{name}</a><ul>'
        + "".join(
            f'<li class="toctree-l2"><a class="reference internal" href="/en/stable/{section}/{page}.html">{_name(page)}</a></li>'
            for page in pages
        )
        + "</ul></li>"
        for section, (name, pages) in _SECTIONS.items()
    )
    return f'<div class="toctree-wrapper"><ul>{items}</ul></div>'


def _page(title: str, main: str, crumbs: str = "") -> bytes:
    head = (
        '<meta name="generator" content="Docutils 0.21: https://docutils.sourceforge.io/">'
        '<script src="/en/stable/_static/documentation_options.js"></script><script src="/en/stable/_static/doctools.js"></script>'
    )
    body = (
        f'<nav class="wy-nav-side" data-toggle="wy-nav-shift"><a class="icon icon-home" href="/">Ledgerline</a>{_tree()}</nav>'
        f'<div class="wy-nav-content"><div role="navigation" aria-label="Page navigation"><ul class="wy-breadcrumbs">'
        f'<li><a href="/">Ledgerline</a></li>{crumbs}<li class="breadcrumb-item active">{title}</li></ul></div>'
        f'<div role="main" class="document" itemscope="itemscope" itemtype="http://schema.org/Article">'
        f'<div itemprop="articleBody">{main}</div></div><footer>Built with <a href="https://www.sphinx-doc.org/">Sphinx</a>.'
        "</footer></div>"
    )
    return document(f"{title} — Ledgerline {_VERSION} documentation", body, head)


def _chapter(section: str, page: str) -> bytes:
    section_name = _SECTIONS[section][0]
    title = _name(page)
    main = (
        f'<section id="{page}"><h1>{title}<a class="headerlink" href="#{page}" title="Link to this heading">¶</a></h1>'
        f"<p>This chapter is about {title.lower()}. It assumes that Ledgerline runs and that you can reach it.</p>"
        f'<section id="{page}-example"><h2>Example<a class="headerlink" href="#{page}-example">¶</a></h2>'
        f'<div class="highlight-console notranslate"><div class="highlight"><pre>$ ledgerline {page} --verbose\nok\n</pre></div></div>'
        f'<p>The option <code class="docutils literal notranslate"><span class="pre">--verbose</span></code> prints every step.</p>'
        f'<div class="admonition note"><p class="admonition-title">Note</p><p>Nothing is written before the last step.</p></div>'
        "</section></section>"
    )
    return _page(
        title, main, f'<li class="breadcrumb-item"><a href="/en/stable/{section}/index.html">{section_name}</a></li>'
    )


def _pages() -> dict[str, bytes]:
    pages = {"/": _page("Ledgerline", f"<h1>Ledgerline</h1><p>Books that balance themselves.</p>{_tree()}")}
    for section, (name, chapters) in _SECTIONS.items():
        links = "".join(
            f'<li class="toctree-l1"><a class="reference internal" href="{page}.html">{_name(page)}</a></li>'
            for page in chapters
        )
        main = f'<section id="{section}"><h1>{name}</h1><p>In this part:</p><div class="toctree-wrapper"><ul>{links}</ul></div></section>'
        pages[f"/en/stable/{section}/index.html"] = _page(name, main)
        pages |= {f"/en/stable/{section}/{page}.html": _chapter(section, page) for page in chapters}
    return pages


docs = static(_pages(), DOCS_DOMAIN)
_CHAPTERS = {
    f"/en/stable/{section}/{page}.html": _name(page) for section, (_, pages) in _SECTIONS.items() for page in pages
}
TRUTH = Truth(
    categories=frozenset(f"/en/stable/{section}/index.html" for section in _SECTIONS),
    kinds={"documentation": list(_CHAPTERS)},
    values={path: {"title": title} for path, title in _CHAPTERS.items()},
)
