"""What a notebook may hold that would run or load something in a page, and notebooks that hold it."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

RUN = "window.ran=1"
LOAD = "http://127.0.0.1:9/asked"  # nobody listens there, and a browser that asks is seen all the same
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

HTML = {
    "script": f"<script>{RUN}</script>",
    "script in another case, from elsewhere": f"<ScRiPt/src='{LOAD}.js'></sCrIpT>",
    "script in two halves": f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    "script that is never closed": f"<script>{RUN}",
    "handler": f"<img src=x onerror={RUN}>",
    "handler after a slash": f"<img/src=x/onerror={RUN}>",
    "handler of a fold": f"<details open ontoggle={RUN}><summary>s</summary></details>",
    "handler that gets the focus": f"<p tabindex=0 autofocus onfocus={RUN}>p</p>",
    "handler in a formula": f"<math><mi onclick={RUN} onmouseover={RUN}>x</mi></math>",
    "handler of the page": f"<body onload={RUN}>",
    "SVG with a handler": f"<svg onload={RUN}><text>t</text></svg>",
    "SVG with a script": f"<svg><script>{RUN}</script></svg>",
    "SVG that links": f"<svg><a xlink:href='javascript:{RUN}'><text y=9>t</text></a></svg>",
    "SVG that moves": f"<svg><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    "SVG that loads": f"<svg><image href='{LOAD}.png'/><use href='{LOAD}.svg#x'/></svg>",
    "link to a script": f"<a href='javascript:{RUN}'>a</a>",
    "link to a script, hidden": f"<a href=' jAva&#115;cript&colon;{RUN}'>a</a>",
    "link to a script, with a tab": f"<a href='java\tscript:{RUN}'>a</a>",
    "link to a script, with a control character": f"<a href='\x01javascript:{RUN}'>a</a>",
    "link to VBScript": "<a href='vbscript:msgbox(1)'>a</a>",
    "link to a page in the link": f"<a href='data:text/html,<script>opener.{RUN}</script>'>a</a>",
    "link to a page in the link, hidden": f"<a href=' DaTa:text/html;base64,{PNG}'>a</a>",
    "link of a formula": f"<math href='javascript:{RUN}'><mi xlink:href='javascript:{RUN}'>x</mi></math>",
    "link that tells when it is used": f"<a href='#x' ping='{LOAD}'>a</a>",
    "frame": f"<iframe src='{LOAD}'></iframe>",
    "frame with a page": f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    "object": f"<object data='{LOAD}'></object><embed src='{LOAD}'><applet code=x></applet>",
    "form": f"<form action='{LOAD}'><input autofocus onfocus={RUN}><button formaction='{LOAD}'>b</button></form>",
    "page that leads elsewhere": f"<meta http-equiv=refresh content='0;url={LOAD}'>",
    "base of all links": f"<base href='{LOAD}/'>",
    "style sheet": f"<link rel=stylesheet href='{LOAD}.css'><style>@import '{LOAD}.css'</style>",
    "style that loads": f"<p style='background:url({LOAD}.png);list-style:url({LOAD})'>p</p>",
    "style that loads, hidden": f"<p style='background-color:\\75rl({LOAD}.png);color:red;cursor:url({LOAD})'>p</p>",
    "style that covers the page": "<div style='position:fixed;inset:0;z-index:9'>d</div>",
    "picture from elsewhere": f"<img src='{LOAD}.png' srcset='{LOAD}2.png 2x'><img src='//127.0.0.1:9/asked.png'>",
    "picture of this machine": "<img src='/etc/hostname'><img src='file:///etc/hostname'>",
    "other media": f"<video src='{LOAD}' poster='{LOAD}.png'></video><audio src='{LOAD}' onerror={RUN}></audio>",
    "background": f"<table background='{LOAD}.png'><tr><td background='{LOAD}.png'>c</td></tr></table>",
    "element that hides what follows": "<template><plaintext>",
    "comment that hides what follows": "<!-- never closed",
    "text that becomes a tag": f"<noscript><p title='</noscript><img src=x onerror={RUN}>'></noscript>",
    "tag in a formula": "<math><mtext><table><mglyph><style><!--</style>"
    f"<img title='--&gt;&lt;img src=1 onerror={RUN}&gt;'>",
    "formula with a page": f"<math><annotation-xml encoding='text/html'><img src=x onerror={RUN}></annotation-xml>",
    "element of its own": f"<x-y onclick={RUN} style='display:block'>e</x-y><portal src='{LOAD}'></portal>",
}
MARKDOWN = {
    "link to a script": f"[a](javascript:{RUN})",
    "link to a page in the link": f"[a](data:text/html;base64,{PNG})",
    "address of a script": f"<javascript:{RUN}>",
    "picture from elsewhere": f"![a]({LOAD}.png)",
    "picture that breaks out": f'![a"onerror={RUN} x="](x "t\' onerror={RUN}")',
    "heading with a handler": f"# <img src=x onerror='{RUN}'>",
    "formula with a tag": rf"$\text{{<img src=x onerror={RUN}>}}$",
    "formula that links": rf"$\href{{javascript:{RUN}}}{{x}}$",
    "code with a tag": f"```html\n<script>{RUN}</script>\n```",
    "drawing with a tag": f"```mermaid\n<img src=x onerror={RUN}>\n```",
}
OUTPUTS = {
    "JavaScript": {"application/javascript": RUN, "text/javascript": RUN},
    "SVG": {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'><script>{RUN}</script></svg>"},
    "PNG that breaks out": {"image/png": f'{PNG}" onerror="{RUN}'},
    "JPEG that breaks out": {"image/jpeg": f'x"><script>{RUN}</script>'},
    "LaTeX": {"text/latex": f"$<img src=x onerror={RUN}>$"},
    "drawing": {"text/vnd.mermaid": f"</pre><img src=x onerror={RUN}>"},
    "widget": {"application/vnd.jupyter.widget-view+json": {"model_id": f"</script><script>{RUN}</script>"}},
    "text": {"text/plain": f"\x1b[31m<img src=x onerror={RUN}>\x1b[0m"},
}


def output(data, **metadata):
    """Return an output of a cell with these data."""
    return new_output("display_data", data, metadata=metadata)


def cells_with(name: str) -> list:
    """Return cells that hold the attack of this name, in each of the ways in which it can be in a notebook."""
    cells = [new_markdown_cell(f"{MARKDOWN[name]}\n\nbeside")] if name in MARKDOWN else []
    outputs = [output(OUTPUTS[name])] if name in OUTPUTS else []
    if name in HTML:
        cells += [new_markdown_cell(f"word {HTML[name]}"), new_markdown_cell(HTML[name]), new_raw_cell(HTML[name])]
        outputs += [output({kind: HTML[name]}) for kind in ("text/html", "text/markdown", "text/plain")]
        outputs += [output({"image/png": PNG}, **{"image/png": {"alt": f'"> {HTML[name]}'}})]
        outputs += [
            new_output("stream", text=HTML[name]),
            new_output("error", ename="E", evalue=HTML[name], traceback=[HTML[name]]),
        ]
        cells += [new_code_cell(HTML[name], metadata={"tags": [f'"> {HTML[name]}'.replace(",", " "), "solution"]})]
    return [*cells, new_code_cell("draw()", execution_count=1, outputs=outputs), new_markdown_cell(f"after {name}")]


NAMES = sorted({*HTML, *MARKDOWN, *OUTPUTS})


def notebook_with(*names: str):
    """Return a notebook that holds these attacks, and one in each of its metadata."""
    state = {"application/vnd.jupyter.widget-state+json": {"state": f"</script><script>{RUN}</script>"}}
    metadata = {"title": f"</title><script>{RUN}</script>", "widgets": state}
    return new_notebook(cells=[cell for name in names for cell in cells_with(name)], metadata=metadata)
