/** What the report of a run needs beside the style sheet that the reports share. */
export const RUN_STYLE = `
h2{font-size:1.45rem;letter-spacing:-.01em;margin-bottom:.5rem}
h3{font-size:1.05rem;margin:1.4rem 0 .4rem}
section{margin-top:56px;scroll-margin-top:16px}
figure{margin:0 0 26px}
.note{color:var(--soft);font-size:.93rem;max-width:75ch}
.notes{margin:0 0 16px;padding:10px 14px 10px 30px;border-left:4px solid var(--bad);background:var(--panel);border-radius:4px;font-size:.93rem;overflow-wrap:anywhere}
h1,.lead,.tiles span{overflow-wrap:anywhere}
nav ul{display:flex;flex-wrap:wrap;gap:6px 18px;list-style:none;margin:18px 0 0;padding:0;font-size:.92rem}
a{color:var(--accent)}
.chart svg{display:block;width:100%;height:auto}
.wide{max-width:860px}.narrow{display:none;max-width:440px}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--least)),1fr));gap:18px 24px}
.panels .chart{break-inside:avoid;max-width:520px}.small{gap:16px 20px}.small .chart{max-width:300px}
.key{display:inline-flex;align-items:center;gap:8px;color:var(--ink)}
.key svg{width:26px;height:10px;flex:none}
.scroll{overflow-x:auto;margin:0 0 18px;max-width:100%}
.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.scroll table{width:auto;min-width:min(100%,420px)}
.caption{font-weight:600;font-size:.92rem;margin:14px 0 2px}
.numbers th,.numbers td{width:auto;padding:6px 14px 6px 0;white-space:nowrap;overflow-wrap:normal}
.numbers thead th{vertical-align:bottom;text-align:right}.numbers thead th:first-child{text-align:left}
.numbers td{text-align:right;font-variant-numeric:tabular-nums}
.numbers small{display:block;color:var(--soft);font-weight:400;font-size:.78rem}
.numbers b{font-weight:500}.numbers .best b{font-weight:750;color:var(--accent)}.numbers .best b::after{content:" ▲";font-size:.62em;vertical-align:.25em}
.scroll th[scope=row]{position:sticky;left:0;background:var(--page);z-index:1}
.none{color:var(--faint)}
.heat{border-collapse:separate;border-spacing:2px}
.heat th,.heat td{border:0;padding:5px 4px;width:auto;white-space:nowrap;overflow-wrap:normal;font-size:.82rem}
.heat thead th{vertical-align:bottom;text-align:center;color:var(--ink)}
.heat thead span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:190px;overflow:hidden;text-overflow:ellipsis}
.heat td{text-align:center;min-width:38px;height:32px;vertical-align:middle;border-radius:4px;font-variant-numeric:tabular-nums;background:color-mix(in srgb,var(--accent) var(--p,0%),var(--panel))}
.heat td.none{background:none}.heat td.deep{color:var(--on-class)}
.heat tbody tr:last-child th,.heat tbody tr:last-child td{border-top:6px solid var(--page)}
.pair{gap:30px}
.pair>figure{min-width:0}
.maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,240px),1fr));gap:18px}
@media screen and (min-width:761px){.pair{grid-template-columns:repeat(auto-fit,minmax(430px,1fr))}}
@media screen and (max-width:640px){.wide{display:none}.narrow{display:block}.key{gap:6px}.key svg{width:20px}.scroll th[scope=row]{min-width:7.9rem;white-space:normal;overflow-wrap:break-word}}
@media screen and (max-width:480px){.tiles li{grid-template-columns:auto 1fr}.tiles b{white-space:nowrap;font-size:1.2rem}}
@media print{nav{display:none}section{margin-top:24px}.scroll{overflow:visible}.scroll table{font-size:.82rem}.pair{grid-template-columns:1fr;break-inside:auto}.panels,.maps{grid-template-columns:repeat(2,1fr);gap:10px 14px}.small,.maps{grid-template-columns:repeat(4,1fr)}.maps .panel{padding:6px;break-inside:avoid}figcaption{break-after:auto}h3,.caption,.note{break-after:avoid}p{orphans:3;widows:3}.note{break-inside:avoid}.numbers th,.numbers td{padding:3px 9px 3px 0}figure,.scroll{break-inside:avoid}.heat td{height:auto;min-width:0}.notes,.heat td{background-clip:padding-box}}
`.trim();
