// Everything works without this file; it adds copy buttons, keys and live parts.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  // ------------------------------------------------------------------------------------------ copy
  const legacyCopy = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };

  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        // The browser may refuse; the old way needs no permission.
      }
    }
    return legacyCopy(text);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const done = await copy(button.dataset.copy);
    const before = button.dataset.word || button.textContent;
    button.dataset.word = before;
    button.textContent = done ? "Copied" : "Press Ctrl-C";
    document.getElementById("spoken").textContent = done ? "Copied" : "Could not copy";
    setTimeout(() => (button.textContent = before), 1500);
  });

  // ------------------------------------------------------------------------------------------ keys
  const PLACES = { o: "/", a: "/artifacts", r: "/runs", m: "/models", j: "/journal" };
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");
  const help = document.getElementById("keys");
  let waitsForPlace = 0;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && isTyping(event.target)) return event.target.blur();
    if (isTyping(event.target) || help.open) return;
    if (Date.now() < waitsForPlace && PLACES[event.key]) {
      waitsForPlace = 0;
      event.preventDefault();
      location.assign(PLACES[event.key]);
      return;
    }
    waitsForPlace = event.key === "g" ? Date.now() + 1500 : 0;
    if (event.key === "/") {
      event.preventDefault();
      const box = document.getElementById("search");
      box.focus();
      box.select();
    } else if (event.key === "?") {
      event.preventDefault();
      help.showModal();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) {
      event.preventDefault();
      help.showModal();
    } else if (event.target.closest("[data-close]")) {
      help.close();
    }
  });

  // ------------------------------------------------------------------------------------------ live parts
  // <div data-refresh="/runs/1?part=live" data-every="5s"> is fetched again while the page is looked at, until the answer holds
  // an element with data-finished.
  const seconds = (element) => Math.max(1, Number.parseFloat(element.dataset.every) || 5);

  const refresh = async (element) => {
    if (document.hidden || element.contains(document.activeElement) || String(getSelection())) return true;
    try {
      const answer = await fetch(element.dataset.refresh, { headers: { accept: "text/html" } });
      if (!answer.ok) return true;
      const text = await answer.text();
      if (text !== element.dataset.shown) {
        element.dataset.shown = text;
        const fresh = new DOMParser().parseFromString(text, "text/html");
        element.replaceChildren(...fresh.body.childNodes);
        if (element.querySelector("[data-finished]")) return false;
      }
    } catch {
      // The server is away for a moment; the page keeps what it shows.
    }
    return true;
  };

  for (const element of document.querySelectorAll("[data-refresh]")) {
    const again = async () => {
      if (await refresh(element)) setTimeout(again, seconds(element) * 1000);
    };
    setTimeout(again, seconds(element) * 1000);
  }
})();
