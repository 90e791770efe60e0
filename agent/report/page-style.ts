/**
 * How the page of a run looks: light and dark as the reader's system is, down to a phone, and on paper. Text keeps a contrast
 * of 4.5 to 1 on what it stands on (WCAG 2.2, 1.4.3), and no colour says anything that no word or sign says.
 */
export const STYLE = `
:root{color-scheme:light dark;--page:#f4f3ef;--card:#fffefb;--ink:#1a1c1f;--soft:#5a5f66;--line:#dedcd4;--faint:#efede6;--link:#1d4f91;
--good:#1c6b43;--good-bg:#d9eedf;--bad:#a32116;--bad-bg:#fbdfda;--none:#5a5f66;--none-bg:#e4e2da;--warn:#7d5300;--warn-bg:#f8e6bf;
--asked:#17498a;--asked-bg:#d5e4f7;
--bar-good:#a3d6b4;--on-good:#0c3f24;--bar-bad:#f0a197;--on-bad:#5d0f08;--bar-asked:#a9c9f2;--on-asked:#0d3263;--bar-there:#a5d2d0;--on-there:#0d3d40;--bar-away:#dcd9cf;--on-away:#4b5057;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;--mono:ui-monospace,"SF Mono","Cascadia Mono","DejaVu Sans Mono",monospace}
@media(prefers-color-scheme:dark){:root{--page:#121416;--card:#1a1d20;--ink:#ebe9e4;--soft:#a2a7ad;--line:#30353a;--faint:#22262a;--link:#8fbcf5;
--good:#7fd3a4;--good-bg:#183a2a;--bad:#ffa69b;--bad-bg:#4c1d19;--none:#a9aeb4;--none-bg:#2d3237;--warn:#f0c36a;--warn-bg:#40320f;
--asked:#9cc6fa;--asked-bg:#1b3454;
--bar-good:#2a6546;--on-good:#d3f3e0;--bar-bad:#93382f;--on-bad:#ffe1dd;--bar-asked:#2b5488;--on-asked:#dceafe;--bar-there:#265d60;--on-there:#d4f2f2;--bar-away:#3a4046;--on-away:#c9ced3}}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 var(--sans)}
main,header.top,footer{max-width:72rem;margin:0 auto;padding:0 2rem}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.02em;margin:.5rem 0 .6rem;text-wrap:balance}h2{font-size:1.15rem;letter-spacing:-.005em;margin:0 0 1rem}
h3{font-size:1rem;margin:0;font-weight:600}p{margin:0}h1,h2,h3,p,li,dd,td{overflow-wrap:anywhere}
code,.mono{font:.875em/1.5 var(--mono);overflow-wrap:anywhere}
header.top{padding-top:2.75rem;padding-bottom:1.75rem}
.over{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center;color:var(--soft);font-size:.875rem}
.over b{color:var(--ink);font-weight:600}
.about{max-width:46rem;color:var(--soft);white-space:pre-line}
.seal{display:inline-flex;align-items:center;gap:.45rem;padding:.2rem .8rem;border-radius:99rem;font-weight:650;font-size:.875rem}
.seal.passed{background:var(--good-bg);color:var(--good)}.seal.failed,.seal.aborted{background:var(--bad-bg);color:var(--bad)}.seal.partly{background:var(--warn-bg);color:var(--warn)}
.share{display:flex;gap:3px;height:10px;margin:1.5rem 0 .6rem;max-width:46rem}.share i{border-radius:3px;min-width:6px}
.share .passed{background:var(--good)}.share .failed{background:var(--bad)}.share .not-here{background:var(--none);opacity:.55}.share .skipped{background:var(--warn)}
.counts{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;margin:0;padding:0;list-style:none;font-size:.875rem;color:var(--soft)}
.counts b{font-weight:650;color:var(--ink)}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.6rem 1.75rem;margin:0 0 1.25rem}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1.1rem 2rem;margin:0}
dl.facts .whole{grid-column:1/-1}dt{color:var(--soft);font-size:.8125rem}dd{margin:.1rem 0 0}
ul.plain{list-style:none;margin:0;padding:0}ul.plain li{padding-left:1.1rem;position:relative}ul.plain li::before{content:"·";position:absolute;left:.3rem;color:var(--soft)}
.findings{border-color:var(--warn);background:var(--warn-bg);color:var(--ink)}
.picture{display:grid;grid-template-columns:minmax(6.5rem,max-content) 1fr;margin:0}
.names{list-style:none;margin:0;padding:0 1rem 0 0;font-size:.8125rem;max-width:13rem}
.names li{height:34px;display:flex;align-items:center;border-bottom:1px solid var(--faint);line-height:1.15;overflow:hidden}
.names li.first{font-weight:650}
.scroll{overflow-x:auto;min-width:0}.scroll:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--link);outline-offset:3px;border-radius:4px}
svg.time-line{display:block;min-width:520px;font:12px var(--sans)}
.tick{stroke:var(--line)}.row{stroke:var(--faint)}.time{fill:var(--soft);font-size:11.5px;font-variant-numeric:tabular-nums}
.bar rect{stroke:var(--card);stroke-width:1}.bar text{font-weight:550}
.bar.good rect{fill:var(--bar-good)}.bar.good text{fill:var(--on-good)}.bar.bad rect{fill:var(--bar-bad)}.bar.bad text{fill:var(--on-bad)}
.bar.asked rect{fill:var(--bar-asked)}.bar.asked text{fill:var(--on-asked)}.bar.there rect{fill:var(--bar-there)}.bar.there text{fill:var(--on-there)}
.bar.away rect,.bar.unavailable rect{fill:var(--bar-away)}.bar.away text,.bar.unavailable text{fill:var(--on-away)}
.bar.passed rect{fill:var(--good)}.bar.passed text{fill:var(--card)}.bar.failed rect{fill:var(--bad)}.bar.failed text{fill:var(--card)}
.bar.not-here rect{fill:var(--bar-away)}.bar.not-here text{fill:var(--on-away)}.bar.skipped rect{fill:var(--warn-bg)}.bar.skipped text{fill:var(--warn)}
.legend{display:flex;flex-wrap:wrap;gap:.35rem 1.2rem;margin:1rem 0 0;padding:0;list-style:none;font-size:.8125rem;color:var(--soft)}
.legend i{display:inline-block;width:.85rem;height:.85rem;border-radius:3px;margin-right:.4rem;vertical-align:-.1rem}
.legend .good{background:var(--bar-good)}.legend .bad{background:var(--bar-bad)}.legend .asked{background:var(--bar-asked)}.legend .there{background:var(--bar-there)}.legend .away{background:var(--bar-away)}
summary{cursor:pointer;color:var(--link);font-size:.875rem;width:fit-content}details{margin-top:.9rem}details>:not(summary){margin-top:.7rem}
ol.steps{list-style:none;margin:0;padding:0}
.step{display:grid;grid-template-columns:2.6rem 1fr;gap:0 1rem;padding:1.15rem 0;border-top:1px solid var(--line)}.steps>.step:first-child{border-top:0;padding-top:.2rem}.steps>.step:last-child{padding-bottom:0}
.badge{width:2.4rem;height:2.4rem;border-radius:50%;display:grid;place-content:center;font-weight:650;font-variant-numeric:tabular-nums;background:var(--none-bg);color:var(--none)}
.passed>.badge{background:var(--good-bg);color:var(--good)}.failed>.badge{background:var(--bad-bg);color:var(--bad)}.skipped>.badge{background:var(--warn-bg);color:var(--warn)}
.head{display:flex;flex-wrap:wrap;gap:.1rem 1rem;align-items:baseline;justify-content:space-between}
.state{font-size:.8125rem;color:var(--soft);font-variant-numeric:tabular-nums;white-space:nowrap}.state b{font-weight:650}
.passed .state b{color:var(--good)}.failed .state b{color:var(--bad)}.skipped .state b{color:var(--warn)}.not-here .state b{color:var(--none)}
.note{color:var(--soft);font-size:.9375rem}
.pair{display:grid;grid-template-columns:5.5rem 1fr;gap:.2rem 1rem;margin:.65rem 0 0;font-size:.9375rem}.pair dt{padding-top:.06rem}.pair dd{margin:0}
.why{margin:.7rem 0 0;padding:.65rem .9rem;border-radius:8px;background:var(--none-bg);font-size:.9375rem;list-style:none}
.failed .why{background:var(--bad-bg);color:var(--bad)}.skipped .why{background:var(--warn-bg);color:var(--warn)}
ul.tree{list-style:none;margin:0;padding:0;font-size:.875rem}ul.tree ul{list-style:none;margin:0;padding:0 0 0 1.1rem;margin-left:.45rem;border-left:1px solid var(--line)}
ul.tree li{padding:.1rem 0}ul.tree .sign{display:inline-block;width:1.3rem;font-weight:700}.yes>.sign{color:var(--good)}.no>.sign{color:var(--bad)}
table{border-collapse:collapse;width:100%;font-size:.9375rem}th{text-align:left;color:var(--soft);font-weight:550;font-size:.8125rem;white-space:nowrap}
th,td{padding:.55rem 1.1rem .55rem 0;border-top:1px solid var(--line);vertical-align:top}thead th{border-top:0;padding-top:0}th:last-child,td:last-child{padding-right:0}
td.t{white-space:nowrap;font-variant-numeric:tabular-nums}tbody th{color:var(--ink);font-size:.9375rem;font-weight:600;white-space:normal}
caption{text-align:left;color:var(--soft);font-size:.875rem;padding-bottom:.7rem}
.tag{display:inline-block;padding:.05rem .55rem;border-radius:99rem;font-size:.8125rem;font-weight:600;background:var(--none-bg);color:var(--none);white-space:nowrap}
.tag.real{background:var(--good-bg);color:var(--good)}.tag.emulated{background:var(--asked-bg);color:var(--asked)}.tag.simulated{background:var(--warn-bg);color:var(--warn)}
table.log{font-size:.8125rem}table.log tbody th{font-size:inherit}table.log :is(td,tbody th){padding:.35rem 1rem .35rem 0}
.dim{color:var(--soft)}.small{font-size:.8125rem;margin-top:.6rem}
footer{color:var(--soft);font-size:.8125rem;padding-top:.5rem;padding-bottom:3rem}
@media(max-width:46rem){body{font-size:15.5px}main,header.top,footer{padding-left:1rem;padding-right:1rem}header.top{padding-top:1.5rem}
h1{font-size:1.5rem}section{padding:1.15rem 1rem;border-radius:12px}.bar text.wide{display:none}
.picture{grid-template-columns:5.9rem 1fr}.picture .scroll{padding-right:1.25rem;mask-image:linear-gradient(to right,#000 calc(100% - 1.5rem),transparent)}.names{padding-right:.5rem;font-size:.75rem}
.step{grid-template-columns:2rem 1fr;gap:0 .75rem}.badge{width:2rem;height:2rem;font-size:.875rem}.pair{grid-template-columns:1fr;gap:.05rem}.pair dd+dt{margin-top:.35rem}
table:not(.log) thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table:not(.log) tr{display:block;padding:.7rem 0;border-top:1px solid var(--line)}table:not(.log) tbody tr:first-child{border-top:0}
table:not(.log) :is(th,td){display:block;border:0;padding:.05rem 0}table:not(.log) td[data-of]::before{content:attr(data-of) " ";color:var(--soft);font-size:.8125rem;margin-right:.4rem}
table:not(.log) td.empty{display:none}table.log{min-width:36rem}}
@media print{:root{color-scheme:light}@page{margin:14mm}body{background:#fff;font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main,header.top,footer{max-width:none;padding-left:0;padding-right:0}section,section.findings{background:none;border:0;border-top:1px solid var(--line);border-radius:0;padding:1rem 0}.bar text.wide,.twice{display:none}
.step,tr,figure{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}svg.time-line{min-width:0}summary{color:var(--soft)}
details::details-content{content-visibility:visible;height:auto}}
`;
