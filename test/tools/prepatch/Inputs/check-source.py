"""check-source.py PAGE FILE: whether the page shows FILE around the hot lines,
with the lines in between that the kernel never saw."""
import html
import re
import sys

page = open(sys.argv[1], encoding="utf-8").read()
lines = open(sys.argv[2]).read().split("\n")
section = page[page.index("<h3>" + html.escape(sys.argv[2])):]
rows = re.findall(r'<tr( id="[^"]*")?[^>]*><td class="n">(\d+)</td>.*?<td class="code">(.*?)</td>',
                  section[:section.index("</table>")])
shown = {int(n): (bool(hot), html.unescape(re.sub(r" ?<a .*?</a>", "", text)))
         for hot, n, text in rows}
wrong = [n for n, (_, text) in shown.items() if text != lines[n - 1]]
hot = [n for n, (is_hot, _) in shown.items() if is_hot]
plain = [n for n, (is_hot, _) in shown.items() if not is_hot]
print(f"{len(hot)} hot lines, {len(plain)} others")
if wrong or len(hot) < 5 or len(plain) < 10:
    sys.exit(f"error: lines that differ: {wrong}; hot: {hot}; others: {plain}")
