"""The style sheet and the script of the errors page."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #e2e4e9; --page: #fbfbfd; --card: #fff;
  --missed: #e5484d; --missed-bar: #f5b3b6; --alarm: #d97706; --switch: #1c2024; --chip: #f1f3f6; --accent: #3358d4; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef1; --soft: #9ba1ab; --line: #2e333b; --page: #0f1216;
  --card: #171b21; --missed: #ff7077; --missed-bar: #5a2a2f; --alarm: #f5a524; --switch: #fff; --chip: #222831;
  --accent: #8da4ef; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 24px 80px; }
h1 { font-size: 26px; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 20px; margin: 0; display: inline; }
h3 { font-size: 15px; margin: 28px 0 8px; }
p { margin: 4px 0; } .soft { color: var(--soft); } .small { font-size: 13px; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px 24px 24px;
  margin-top: 24px; }
summary { cursor: pointer; } section > details > summary::marker { color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th { color: var(--soft); font-weight: 500; text-align: right; white-space: nowrap; }
td { text-align: right; white-space: nowrap; }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } tr:last-child td { border-bottom: 0; }
tr.all td { font-weight: 600; border-top: 2px solid var(--line); }
.overview { overflow-x: auto; margin-top: 20px; }
.chips { display: flex; flex-wrap: wrap; gap: 8px; margin: 12px 0 0; }
.chip { background: var(--chip); border-radius: 8px; padding: 4px 10px; font-size: 13px;
  font-variant-numeric: tabular-nums; }
.chip b { font-weight: 600; margin-left: 4px; }
.switches { display: flex; flex-wrap: wrap; gap: 0 40px; align-items: flex-start; }
.switches > .shots { flex: 1 1 520px; margin-top: 62px; max-height: 620px; }
.switches svg.shot { width: 155px; } .switches figcaption { max-width: 314px; }
.scroll { max-height: 400px; overflow: hidden auto; padding-right: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--soft); margin: 0 0 8px; }
.key { display: inline-block; width: 14px; height: 10px; border-radius: 2px; margin-right: 6px; vertical-align: 0; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 5px; }
svg.time { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg.time text { fill: var(--soft); } .grid { stroke: var(--line); } .missed-area { fill: var(--missed); opacity: .75; }
.alarm-area { fill: var(--alarm); opacity: .8; } .tick { stroke: var(--switch); stroke-width: 1.5; opacity: .75; }
.people { display: grid; grid-template-columns: max-content 1fr max-content; gap: 2px 12px; align-items: center;
  max-height: 620px; overflow: auto; font-size: 13px; font-variant-numeric: tabular-nums; }
.person { display: contents; } .person > span:first-child { text-align: right; }
.life { display: block; width: 100%; height: 13px; background: var(--chip); border-radius: 2px; }
.life .missed { fill: var(--missed-bar); } .life .switch { fill: var(--switch); }
.axis { display: flex; justify-content: space-between; font-size: 12px; color: var(--soft); }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 0 40px; }
.why { margin-top: 8px; } .why td:last-child { text-align: left; } .bar { display: inline-block; height: 10px;
  background: var(--missed-bar); border-radius: 2px; margin-right: 8px; min-width: 2px; }
.why + .shots { max-height: 660px; } .why + .shots figcaption { max-width: 240px; }
.shots { display: flex; flex-wrap: wrap; gap: 14px; margin-top: 14px; }
figure { margin: 0; background: var(--chip); border-radius: 10px; padding: 8px; }
figure .pair { display: flex; gap: 4px; } figcaption { font-size: 13px; padding: 6px 2px 0; max-width: 484px; }
svg.shot { display: block; border-radius: 6px; max-width: 100%; height: auto; background: #000; }
.truth, .truth-under, .track { fill: none; vector-effect: non-scaling-stroke; }
.truth-under { stroke: #000; stroke-opacity: .55; stroke-width: 3; }
.truth { stroke: #fff; stroke-width: 1.5; stroke-dasharray: 5 4; } .track { stroke-width: 2.5; }
.track-label { font: 600 13px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
select { font: inherit; font-size: 13px; color: inherit; background: var(--chip); border: 1px solid var(--line);
  border-radius: 6px; padding: 1px 4px; }
@media (max-width: 600px) { main { padding: 20px 12px 60px; } section { padding: 16px 14px 20px; }
  .switches > .shots { margin-top: 14px; } }
"""

SCRIPT = """
for (const link of document.querySelectorAll('.overview a'))
  link.addEventListener('click', () => document.querySelector(link.hash + ' details').open = true);
for (const select of document.querySelectorAll('select.order')) {
  const list = document.getElementById(select.dataset.list);
  select.addEventListener('change', () => {
    const [key, sign] = select.value.split(' ');
    [...list.children]
      .sort((a, b) => sign * (a.dataset[key] - b.dataset[key]) || a.dataset.id - b.dataset.id)
      .forEach(row => list.append(row));
  });
}
"""
