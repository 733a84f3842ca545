"""check-page.py PAGE JSON: whether the page is well-formed, needs nothing from
elsewhere, and shows each line of the explanation once as annotated source."""
import html.parser
import json
import sys

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.rows, self.errors = [], [], [], {}, []
        self.row, self.cells = None, None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("script", "link", "img", "iframe"):
            self.errors.append(f"<{tag}> in the page")
        for name, value in attrs.items():
            if name in ("src", "srcset") or name.startswith("on"):
                self.errors.append(f"attribute {name}")
            if name == "href":
                self.links.append(value)
            if "://" in (value or ""):
                self.errors.append(f"{name} refers to {value}")
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "tr":
            self.row, self.cells = attrs, []
        if tag == "td" and self.row is not None:
            self.cells.append("")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.errors.append(f"</{tag}> at {self.getpos()} closes nothing")
        if tag == "tr":
            if (self.row or {}).get("id", "").startswith("s"):
                self.rows[self.row["id"]] = (self.cells, self.row)
            self.row = None

    def handle_data(self, data):
        if self.row is not None and self.cells and "td" in self.open:
            self.cells[-1] += data
        if "style" in self.open and ("url(" in data or "@import" in data):
            self.errors.append("the style refers to something")


text = open(sys.argv[1], encoding="utf-8").read()
explanation = json.load(open(sys.argv[2]))
page = Page()
page.feed(text)
page.close()
errors = page.errors + [f"<{tag}> is not closed" for tag in page.open]
errors += [f"id {i} occurs twice" for i in set(page.ids) if page.ids.count(i) > 1]
errors += [f"link to {link}, which is not there" for link in page.links
           if link[1:] not in page.ids or link[0] != "#"]
if not text.startswith("<!DOCTYPE html>"):
    errors.append("no document type")
shown = [(cells[0], cells[1].replace("\u202f", ""), cells[3].replace("\u25c6", "").strip())
         for cells, _ in page.rows.values()]
for line in explanation["lines"]:
    number = line["line"] if line["file"] else line["index"]
    want = (str(number), str(line["visits"]), line["text"])
    if shown.count(want) != 1:
        errors.append(f"line {want} occurs {shown.count(want)} times")
if len(shown) != len(explanation["lines"]):
    errors.append(f"{len(shown)} annotated lines, expected {len(explanation['lines'])}")
hottest = max(page.rows.values(), key=lambda r: int(r[0][1].replace("\u202f", "")))
if "--heat:1.000" not in hottest[1].get("style", ""):
    errors.append("the hottest line is not the hottest")
for e in errors:
    print("error:", e)
print(f"{len(shown)} lines, {len(page.links)} links")
sys.exit(bool(errors))
