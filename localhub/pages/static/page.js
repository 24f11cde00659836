// Pages marked data-live show what is new without a reload, unless the reader is busy with them. All works without.
"use strict";
(() => {
  const SECONDS = 4;
  if (!("live" in document.body.dataset)) return;
  const busy = () => {
    const main = document.getElementById("main");
    if (document.hidden || main.contains(document.activeElement) && document.activeElement !== main) return true;
    if (String(getSelection())) return true;
    return [...main.querySelectorAll("textarea, input:not([type=hidden])")].some((each) => each.value !== each.defaultValue);
  };
  const refresh = async () => {
    if (busy()) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || busy()) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    const main = document.getElementById("main");
    for (const each of main.querySelectorAll("details[id]")) {
      const twin = fresh.querySelector(`#${CSS.escape(each.id)}`);
      if (twin) twin.open = each.open;
    }
    const same = (node) => node.innerHTML.replace(/<time[^>]*>[^<]*/g, "");
    if (same(fresh) !== same(main)) main.replaceChildren(...document.adoptNode(fresh).childNodes);
  };
  setInterval(() => refresh().catch(() => {}), SECONDS * 1000);
})();
