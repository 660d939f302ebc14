/** Looks of the page: one column on a phone, two on a desktop; light or dark as the reader's system is set. */
export const pageStyle = `
:root{color-scheme:light dark;--ink:#1d2330;--soft:#5b6578;--paper:#fff;--panel:#f4f6f9;--rule:#d8dfe8;--a:#1f65b0;--onA:#fff;--b:#b4530a}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf1;--soft:#9aa6b8;--paper:#12161d;--panel:#1a202a;--rule:#303a48;--a:#6aaef2;--onA:#0c1420;--b:#f0a04b}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:980px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
p{margin:.3em 0}
.soft{color:var(--soft);font-size:.92rem}
.drop{display:flex;flex-direction:column;align-items:center;justify-content:center;gap:14px;min-height:190px;margin:22px 0 10px;padding:24px 16px;border:2px dashed var(--rule);border-radius:14px;background:var(--panel);text-align:center}
.drop.over{border-color:var(--a)}
.drop p{margin:0}
.buttons{display:flex;flex-wrap:wrap;gap:10px;justify-content:center}
button,.button{font:inherit;font-weight:600;padding:9px 18px;border-radius:9px;border:1px solid var(--rule);background:var(--paper);color:var(--ink);cursor:pointer}
.button.first{background:var(--a);border-color:var(--a);color:var(--onA)}
button:disabled{opacity:.5;cursor:default}
button:focus-visible,.button:focus-within{outline:3px solid var(--a);outline-offset:2px}
input[type=file]{position:absolute;width:1px;height:1px;opacity:0}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(290px,100%),1fr));gap:16px;margin-top:18px}
.card{background:var(--panel);border:1px solid var(--rule);border-radius:14px;overflow:hidden}
.card canvas,.card video{display:block;width:100%;aspect-ratio:4/3;object-fit:contain;background:#0b0e13}
.card .body{padding:12px 16px 16px}
.card .name{font-size:.85rem;color:var(--soft);overflow:hidden;text-overflow:ellipsis;white-space:nowrap;margin:0 0 8px}
.card .error{color:var(--b);overflow-wrap:anywhere}
.best{font-size:1.2rem;font-weight:700;margin:0 0 8px;overflow-wrap:anywhere}
.answer{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 10px;font-size:.9rem;margin-top:6px}
.answer span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.answer .share{font-variant-numeric:tabular-nums}
.bar{grid-column:1/3;height:6px;border-radius:3px;background:var(--rule);overflow:hidden}
.bar i{display:block;height:100%;background:var(--a)}
.unsure{color:var(--b);font-size:.88rem;margin-top:8px}
footer{margin-top:34px;padding-top:16px;border-top:1px solid var(--rule)}
footer .row{display:flex;flex-wrap:wrap;align-items:center;gap:8px 14px}
details{margin-top:12px}
summary{cursor:pointer;font-weight:600;font-size:.95rem}
[hidden]{display:none!important}
@media (max-width:560px){main{padding:18px 14px 36px}h1{font-size:1.25rem}.drop{min-height:150px}}
`;
