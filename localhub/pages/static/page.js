// Pages marked data-live show what is new without a reload, unless the reader is busy with them. All works without.
"use strict";
(() => {
  // "/" goes to the search box; an open menu closes by Escape or a click elsewhere.
  const typing = (node) => node.closest("input, textarea, select, [contenteditable]");
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target)) {
      event.preventDefault();
      document.querySelector("[data-seek]").focus();
    }
    const open = event.key === "Escape" && event.target.closest("details.menu[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });
  addEventListener("click", (event) => {
    for (const each of document.querySelectorAll("details.menu[open]")) if (!each.contains(event.target) && !each.querySelector("form")) each.open = false;
  });
  // A link to something that a long conversation leaves out shows all of it.
  const target = location.hash.slice(1);
  const all = document.querySelector("[data-all]");
  if (target && all && !document.getElementById(target)) location.replace(`${all.getAttribute("href")}#${target}`);
})();
(() => {
  const SECONDS = 4;
  if (!("live" in document.body.dataset)) return;
  const busy = () => {
    const main = document.getElementById("main");
    if (document.hidden || main.contains(document.activeElement) && document.activeElement !== main) return true;
    if (String(getSelection())) return true;
    return [...main.querySelectorAll("textarea, input:not([type=hidden])")].some((each) => each.value !== each.defaultValue);
  };
  let wait = SECONDS * 1000;
  const refresh = async () => {
    if (busy()) return;
    const began = performance.now();
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Refresh": "1" } });
    if (!answer.ok || busy()) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    const main = document.getElementById("main");
    for (const each of main.querySelectorAll("details[id]")) {
      const twin = fresh.querySelector(`#${CSS.escape(each.id)}`);
      if (twin) twin.open = each.open;
    }
    const same = (node) => node.innerHTML.replace(/<time[^>]*>[^<]*/g, "");
    if (same(fresh) !== same(main)) main.replaceChildren(...document.adoptNode(fresh).childNodes);
    wait = Math.max(SECONDS * 1000, 20 * (performance.now() - began)); // a page that takes long is asked for seldom
  };
  const again = () => refresh().catch(() => {}).finally(() => setTimeout(again, wait));
  setTimeout(again, wait);
})();
