/** The style sheet of the reference page. It is inline, and the page's policy allows it by its hash. */
export const STYLE = `
:root{color-scheme:light dark;--paper:light-dark(#f7f6f3,#15161a);--card:light-dark(#fff,#1d1f25);--sunk:light-dark(#f1f0ec,#16181d);
--line:light-dark(#dedbd3,#34373f);--ink:light-dark(#1d1c1a,#eceae5);--soft:light-dark(#5a5850,#abaeb8);--accent:light-dark(#4b3bc4,#aba2ff);
--accent-soft:light-dark(#ebe8fb,#2a2748);font:100%/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%}
a{color:var(--accent);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem}
.frame{display:grid;grid-template-columns:15rem minmax(0,1fr);gap:2.5rem;max-width:74rem;margin:0 auto;padding:1.5rem}
nav{position:sticky;top:1.5rem;align-self:start;max-height:calc(100vh - 3rem);overflow:auto;font-size:.9375rem}
nav ul{list-style:none;margin:0 0 1rem;padding:0}
nav a{display:block;padding:.25rem .5rem;border-radius:6px;text-decoration:none;overflow-wrap:anywhere}
nav a:hover{background:var(--accent-soft)}
nav strong{display:block;padding:.25rem .5rem}
h1{font-size:1.9rem;letter-spacing:-.02em;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1.3rem;line-height:1.25;margin:0 0 .5rem}
h3,#start h2{font-size:1rem;margin:1.25rem 0 .4rem}
p,ul,dl,pre{margin:0 0 1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.25rem;margin:0 0 1.5rem}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.875em}
code{overflow-wrap:anywhere}
pre{background:var(--sunk);border:1px solid var(--line);border-radius:8px;padding:.75rem 1rem;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:2}
.route{display:flex;flex-wrap:wrap;gap:.5rem;align-items:baseline;margin:0 0 .75rem}
.verb{background:var(--accent-soft);color:var(--accent);border-radius:6px;padding:.1rem .5rem;font-weight:600;font-size:.8125rem}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
th,td{overflow-wrap:break-word;text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600}
td:nth-child(2){color:var(--soft);min-width:7rem}
td:last-child,th:last-child{padding-right:0}
.note{color:var(--soft)}
summary{cursor:pointer;padding:.25rem 0;font-weight:600}
@media (min-width:40rem){td:first-child code{white-space:nowrap}}
@media (max-width:60rem){.frame{display:block;padding:1rem}nav{position:static;max-height:none;margin:0 0 1.5rem}section{padding:1rem}}
@media (max-width:40rem){table,thead,tbody,tr,td{display:block}thead{position:absolute;left:-99rem}tr{border-bottom:1px solid var(--line);padding:.4rem 0}
td{border:0;padding:.1rem 0}}
@media print{nav{display:none}.frame{display:block}}
`;
