/**
 * Looks of the report: blue and orange (told apart with every kind of colour vision), light or dark as the reader's
 * system is set, one column on a phone, plain on paper.
 */
export const style = `
:root{color-scheme:light dark;--ink:#1d2330;--soft:#5b6578;--paper:#fff;--panel:#f5f7fa;--rule:#dde3eb;--a:#1f65b0;--b:#c9600e;--good:#1f65b0;--shade:31,101,176}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf1;--soft:#9aa6b8;--paper:#12161d;--panel:#1a202a;--rule:#2c3542;--a:#6aaef2;--b:#f0a04b;--good:#6aaef2;--shade:106,174,242}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1060px;margin:0 auto;padding:28px 20px 60px}
header{border-bottom:1px solid var(--rule);padding-bottom:20px;margin-bottom:8px}
h1{font-size:1.05rem;font-weight:600;margin:0 0 14px;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:0 0 12px}
h3{font-size:.95rem;margin:18px 0 8px}
section{margin-top:38px}
p{margin:.4em 0;max-width:72ch;overflow-wrap:break-word}
a{color:var(--a)}
.lead{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 22px}
.big{font-size:3.6rem;line-height:1.05;font-weight:700;letter-spacing:-.02em;color:var(--a)}
.interval{font-size:1.1rem}
.soft,.soft td,small{color:var(--soft)}
.bar{position:relative;height:34px;margin:16px 0 4px}
.bar svg{width:100%;height:100%;display:block}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin-top:18px}
.card{background:var(--panel);border-radius:8px;padding:10px 14px}
.card b{display:block;font-size:1.25rem;font-weight:650}
.card span{color:var(--soft);font-size:.85rem}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(300px,100%),1fr));gap:18px}
.grid2>figure:only-child{max-width:520px}
figure{margin:0;background:var(--panel);border-radius:8px;padding:12px 12px 8px}
figcaption{font-size:.85rem;color:var(--soft);padding:2px 6px 4px;display:flex;gap:18px}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--ink);font:13px system-ui,sans-serif}
svg .tick{fill:var(--soft);font-size:13px}
svg .title{font-weight:600;font-size:15px}
.grid{stroke:var(--rule);stroke-width:1}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}
.line.a{stroke:var(--a)}.line.b{stroke:var(--b);stroke-dasharray:5 3}
.dot.a{fill:var(--a)}.dot.b{fill:var(--b)}
.mark{stroke:var(--soft);stroke-dasharray:3 4;fill:none}
.key::before{content:"";display:inline-block;width:22px;height:0;border-top:3px solid var(--a);vertical-align:middle;margin-right:7px}
.key.b::before{border-top:3px dashed var(--b)}
.scroll{overflow-x:auto}
#repeat td:nth-child(2){overflow-wrap:anywhere}
table{border-collapse:collapse;font-size:.9rem;min-width:100%}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600;white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-left:10px}
.matrix{border-collapse:separate;border-spacing:2px;width:auto;min-width:0;font-variant-numeric:tabular-nums}
.matrix th,.matrix td{border:0;padding:0}
.matrix th{font-weight:500;font-size:.8rem;color:var(--soft);padding:2px 8px;text-align:right;max-width:140px;overflow:hidden;text-overflow:ellipsis}
.matrix thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;padding:6px 2px;max-height:130px}
.matrix button{width:38px;height:34px;border:0;border-radius:4px;font:inherit;font-size:.82rem;color:var(--ink);background:var(--panel);cursor:default}
.matrix button[data-cell]{cursor:pointer}
.matrix button:focus-visible,.matrix button[data-cell]:hover{outline:2px solid var(--ink);outline-offset:-1px}
.matrix .zero{color:transparent}
.photos{display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:12px}
.photo{font-size:.8rem;line-height:1.3;overflow-wrap:anywhere}
.photo img{width:100%;aspect-ratio:1;object-fit:cover;border-radius:6px;background:var(--panel);display:block;margin-bottom:4px}
.photo .wrong{color:var(--b);font-weight:600}
.strip{display:flex;flex-wrap:wrap;gap:8px;margin-bottom:10px}
.strip img{width:72px;height:72px;border-radius:6px;object-fit:cover}
.strip img:first-child{outline:2px solid var(--a);outline-offset:1px;margin-right:6px}
dialog{border:1px solid var(--rule);border-radius:10px;background:var(--paper);color:var(--ink);max-width:min(760px,94vw);width:94vw;max-height:86vh;padding:18px 20px}
dialog::backdrop{background:rgba(0,0,0,.45)}
dialog form{float:right}
dialog form button{font:inherit;padding:4px 12px;border:1px solid var(--rule);border-radius:6px;background:var(--panel);color:var(--ink)}
pre{background:var(--panel);border-radius:8px;padding:12px 14px;overflow-x:auto;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}
details>summary{cursor:pointer;font-weight:600;margin:6px 0}
.note{border-left:4px solid var(--b);padding:2px 0 2px 12px;margin:10px 0}
@media (max-width:560px){.big{font-size:2.7rem}main{padding:18px 14px 40px}.matrix button{width:31px;height:30px}table{font-size:.8rem}th,td{padding-right:7px}.n{padding-left:4px}}
@page{margin:14mm}
@media print{:root{color-scheme:light;--ink:#000;--soft:#4a5261;--paper:#fff;--panel:#f3f4f6;--rule:#d5dae2;--a:#1f65b0;--b:#b4530a;--shade:31,101,176}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}body{font-size:10pt}main{max-width:none;padding:0}section{margin-top:22px}h2,h3,summary,h2+p.soft,h3+p.soft{break-after:avoid}figure,tr,.photo,.strip,.card,.lead,.matrix,.grid2{break-inside:avoid}thead{display:table-header-group}.scroll{overflow:visible}.grid2{grid-template-columns:repeat(2,minmax(0,1fr))}.grid2.three{grid-template-columns:repeat(3,minmax(0,1fr))}.photos{grid-template-columns:repeat(8,1fr);gap:8px}.strip img{width:56px;height:56px}table{font-size:8.5pt}pre{font-size:8pt}details::details-content{content-visibility:visible;display:block;block-size:auto}summary{list-style:none}}
`;
