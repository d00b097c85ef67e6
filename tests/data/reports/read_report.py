#!/usr/bin/python3
"""What Python's own readers find in a report (FILE.html, FILE.csv or FILE.txt), as JSON; and what of it breaks a rule.

    html: {"tags": {"table": 3, …}, "text": "…", "faults": […]}      csv: {"rows": [[…], …], "faults": […]}
"""
import csv
import html.parser
import io
import json
import sys

VOID = {"meta", "br", "img", "hr", "input", "link"}
# What mail programs take out, or do not lay out (docs/decisions.md).
FORBIDDEN = {"script", "style", "link", "svg", "form", "iframe", "object", "img"}
FORBIDDEN_CSS = ("flex", "grid", "position", "var(", "url(", "float")


class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.words, self.faults, self.hidden = [], {}, [], [], 0

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        attrs = dict(attrs)
        if tag in FORBIDDEN:
            self.faults.append(f"<{tag}>")
        for name in attrs:
            if name.startswith("on"):
                self.faults.append(f"{name} of <{tag}>")
        style = attrs.get("style") or ""
        self.faults += [f"{word} in a style" for word in FORBIDDEN_CSS if word in style]
        if tag == "td" and "font-size" in style and "color" not in style and "&nbsp;" not in style and "bgcolor" not in attrs:
            self.faults.append("a cell of no colour")
        if tag == "table" and "cellpadding" not in attrs:
            self.faults.append("a table of the browser's spacing")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> where {self.open[-1:] or 'nothing'} is open")
        else:
            self.open.pop()

    def handle_data(self, data):
        self.words.append(data)


def read_html(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    if reader.open:
        reader.faults.append(f"not closed: {reader.open}")
    if not text.startswith("<!doctype html>\n"):
        reader.faults.append("no doctype")
    return {"tags": reader.tags, "text": " ".join("".join(reader.words).split()), "faults": reader.faults}


def read_csv(raw):
    faults = []
    if not raw.startswith(b"\xef\xbb\xbf"):
        faults.append("no byte order mark")
    text = raw.decode("utf-8-sig")
    first = text.split("\r\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    if len({len(row) for row in rows}) > 1:
        faults.append("rows of different length")
    for row in rows:
        for cell in row:
            number = cell.replace(",", ".").lstrip("-").replace(".", "", 1).isdigit()
            if cell[:1] in "=+-@\t\r" and cell and not number:
                faults.append(f"a formula: {cell}")
    return {"rows": rows, "delimiter": delimiter, "faults": faults}


path = sys.argv[1]
raw = open(path, "rb").read()
found = read_csv(raw) if path.endswith(".csv") else read_html(raw.decode("utf-8")) if path.endswith(".html") else {"text": raw.decode("utf-8"), "faults": []}
json.dump(found, sys.stdout, ensure_ascii=False)
