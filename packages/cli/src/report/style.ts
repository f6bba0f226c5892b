import { DARK, declarations, LIGHT } from './palette.js';
import { FONT } from './render-chart.js';

/** The report's style sheet: one column on a phone, two where they fit; light, dark and print from one set of rules. */
export const STYLE = `
:root{${declarations(LIGHT)};color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{${declarations(DARK)}}}
@media print{:root{${declarations(LIGHT)};color-scheme:light}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.55 ${FONT.replaceAll('"', "'")}}
main{max-width:1080px;margin:0 auto;padding:40px 20px 56px}
h1{font-size:clamp(1.7rem,4.5vw,2.5rem);line-height:1.15;letter-spacing:-.02em;margin:0 0 .6rem;text-wrap:balance}
h2{font-size:1.2rem;line-height:1.3;margin:0 0 .35rem}
p{margin:0 0 .8rem;max-width:68ch}
.lead{font-size:1.08rem;color:var(--soft)}
.lead strong{color:var(--ink)}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
section{margin-top:44px}
figure{margin:0}
figcaption{color:var(--soft);font-size:.9rem;line-height:1.5;margin-top:10px;max-width:75ch}
figure>svg{display:block;width:100%;height:auto}
.tiles{display:grid;grid-template-columns:repeat(3,1fr);gap:12px;margin:26px 0 12px;padding:0;list-style:none}
.tiles li{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:14px 16px}
.tiles b{display:block;font-size:clamp(1.35rem,4.5vw,2rem);line-height:1.2;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tiles .best{border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
.tiles .best b{color:var(--accent)}
.tiles span{display:block;color:var(--soft);font-size:.86rem;line-height:1.35}
.pair{display:grid;grid-template-columns:minmax(0,1.5fr) minmax(0,1fr);gap:44px;align-items:start}
.panel{background:var(--panel);border:1px solid var(--line);border-radius:14px;padding:14px}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:12px 0 0;padding:0;list-style:none;font-size:.86rem;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:7px}
.legend svg{width:18px;height:18px;flex:none}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,312px),1fr));gap:12px;margin:16px 0 0;padding:0;list-style:none}
.card{position:relative;background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:12px;break-inside:avoid;font-size:.84rem;line-height:1.4}
.pick{display:flex;align-items:center;gap:14px}
.pick>svg{width:84px;height:84px;flex:none;margin-left:22px}
.rank{position:absolute;top:9px;left:9px;min-width:24px;height:24px;padding:0 6px;border-radius:12px;display:grid;place-items:center;font-size:.78rem;font-weight:700;color:var(--on-class);font-variant-numeric:tabular-nums}
.verdict{display:block;font-weight:650;font-size:.95rem;margin-bottom:3px}
.right{color:var(--good)}
.wrong{color:var(--bad)}
.facts{display:block;color:var(--soft);font-variant-numeric:tabular-nums}
.card dl{margin:10px 0 0}
.card dl>div{display:flex;align-items:center;gap:10px;min-height:52px;padding:5px 0;border-top:1px solid var(--line)}
.card dt{flex:1;color:var(--soft);font-variant-numeric:tabular-nums}
.card dd{display:flex;gap:4px;margin:0}.card dt b{color:var(--ink)}
.thumb{width:44px;text-align:center}
.thumb svg{display:block;width:30px;height:30px;margin:0 auto}
.thumb i{display:block;font-style:normal;font-size:.68rem;line-height:1.3;font-weight:650;white-space:nowrap;color:var(--ink)}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:7px 12px 7px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{font-weight:500;color:var(--soft);width:46%}
td.n{text-align:right;padding-right:0;font-variant-numeric:tabular-nums}
footer{margin-top:48px;padding-top:16px;border-top:1px solid var(--line);color:var(--soft);font-size:.86rem}
@media screen and (max-width:760px){main{padding:26px 16px 40px}.pair{grid-template-columns:1fr;gap:36px}.tiles{gap:8px}.tiles li{padding:11px 11px}}
@media screen and (max-width:480px){.tiles{grid-template-columns:1fr}.tiles li{display:grid;grid-template-columns:5.6rem 1fr;align-items:center;gap:10px}}
@media print{html{font-size:11px}main{max-width:none;padding:0}section{margin-top:20px}.sheet{break-before:page;margin-top:0}footer{margin-top:18px;padding-top:10px}.tiles{margin:16px 0 8px}.pair{gap:26px;break-inside:avoid}.cards{grid-template-columns:repeat(3,1fr);gap:8px}.card{padding:8px 10px}.pick>svg{width:52px;height:52px}.card dl{margin-top:6px}.card dl>div{min-height:0;padding:3px 0}.thumb{width:36px}.thumb svg{width:22px;height:22px}.card dd{gap:2px}.rank{min-width:19px;height:19px;padding:0 4px}h2,figcaption{break-after:avoid}tr{break-inside:avoid}th,td{padding-top:4px;padding-bottom:4px}.card,.tiles li,.panel{background:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`.trim();
