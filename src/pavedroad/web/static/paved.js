// Everything works without this file; it adds copy buttons, keys and live parts.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  // MLflow's client prints addresses as its own pages have them: /#/experiments/1/runs/<id>
  const theirs = /^#\/experiments\/(\d+)(?:\/runs\/([0-9a-f]{32}))?(?:\/|$)/.exec(location.hash);
  if (theirs && location.pathname === "/") location.replace(theirs[2] ? `/runs/${theirs[2]}` : `/experiments/${theirs[1]}`);

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
  // an element with data-finished. What was unfolded stays so.
  const seconds = (element) => Math.max(1, Number.parseFloat(element.dataset.every) || 5);
  const isTypingIn = (element) => element.contains(document.activeElement) && isTyping(document.activeElement);

  const fragment = async (address) => {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    return answer.ok ? answer.text() : null;
  };
  const nodes = (text) => new DOMParser().parseFromString(text, "text/html").body.childNodes;

  const replace = (element, text) => {
    const open = [...element.querySelectorAll("details[id][open]")].map((found) => found.id);
    const focused = element.contains(document.activeElement) && document.activeElement.closest("[id]");
    element.replaceChildren(...nodes(text));
    for (const found of element.querySelectorAll("details[id]")) if (open.includes(found.id)) found.open = true;
    const again = focused && document.getElementById(focused.id);
    if (again) (again.querySelector("summary") || again).focus({ preventScroll: true });
  };

  const refresh = async (element) => {
    if (document.hidden || isTypingIn(element) || String(getSelection())) return true;
    try {
      const text = await fragment(element.dataset.refresh);
      if (text !== null && text !== element.dataset.shown) {
        element.dataset.shown = text;
        replace(element, text);
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

  // <details data-load="/runs/1?part=group"> fetches what it holds when it is unfolded.
  document.addEventListener(
    "toggle",
    async (event) => {
      const folded = event.target;
      if (!folded.open || !folded.dataset.load) return;
      const address = folded.dataset.load;
      delete folded.dataset.load;
      const text = await fragment(address).catch(() => null);
      if (text === null) return (folded.dataset.load = address);
      folded.replaceChildren(folded.querySelector("summary"), ...nodes(text));
    },
    true,
  );

  // ------------------------------------------------------------------------------------------ charts
  // <svg data-reads="…json"> tells the point nearest to the pointer; <figure data-zoom> shows the steps that are dragged over.
  const pointsOf = new WeakMap();
  const numbers = (text) => text.split(" ").map(Number);
  const digits = (value) => value.toLocaleString("en", { maximumSignificantDigits: 5 });

  const readPoints = (svg) => {
    if (!pointsOf.has(svg)) {
      const asked = fetch(svg.dataset.reads).then((answer) => answer.json());
      pointsOf.set(svg, asked.then((page) => page.curve).catch(() => ({ points: [], smooth: [] })));
    }
    return pointsOf.get(svg);
  };

  const chartAt = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const [left, top, right, bottom] = numbers(svg.dataset.plot);
    const [low, high] = numbers(svg.dataset.x);
    const at = ((event.clientX - box.left) * svg.viewBox.baseVal.width) / box.width;
    const share = Math.min(1, Math.max(0, (at - left) / (right - left)));
    return { left, top, right, bottom, low, high, value: low + share * (high - low), at: left + share * (right - left) };
  };

  const part = (svg, tag, name, attributes) => {
    let found = svg.querySelector(`.${name}`);
    if (!found) {
      found = document.createElementNS(svg.namespaceURI, tag);
      found.setAttribute("class", name);
      svg.append(found);
    }
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    return found;
  };

  const nearest = (points, x) => {
    let best = null;
    for (const point of points) if (point.y !== null && (!best || Math.abs(point.x - x) < Math.abs(best.x - x))) best = point;
    return best;
  };

  const tell = async (svg, event) => {
    const place = chartAt(svg, event);
    const curve = await readPoints(svg);
    const raw = nearest(curve.points, place.value);
    if (!raw || !svg.isConnected) return;
    const smooth = nearest(curve.smooth, raw.x);
    const x = place.left + ((raw.x - place.low) / (place.high - place.low)) * (place.right - place.left);
    const axis = svg.querySelector(".axis").textContent;
    const when = svg.dataset.clock ? new Date(raw.x).toISOString().slice(0, 19).replace("T", " ") : `${digits(raw.x)} ${axis}`;
    const named = axis === "step" ? `step ${raw.x.toLocaleString("en")}` : when;
    part(svg, "line", "guide", { x1: x, x2: x, y1: place.top, y2: place.bottom });
    const words = part(svg, "text", "readout", { x: place.right, y: place.top + 2, "text-anchor": "end" });
    words.textContent = `${named}: ${digits(raw.y)}` + (smooth ? `, smoothed ${digits(smooth.y)}` : "");
  };

  document.addEventListener("pointermove", (event) => {
    const svg = event.target.closest?.("svg[data-reads]");
    if (svg) tell(svg, event);
    if (dragged) drawDrag(event);
  });
  document.addEventListener("pointerout", (event) => {
    const svg = event.target.closest?.("svg[data-reads]");
    if (svg && !svg.contains(event.relatedTarget)) for (const found of svg.querySelectorAll(".guide, .readout")) found.remove();
  });

  let dragged = null;
  const drawDrag = (event) => {
    const { at, top, bottom } = chartAt(dragged.svg, event);
    const [from, to] = [Math.min(at, dragged.at), Math.max(at, dragged.at)];
    part(dragged.svg, "rect", "dragged", { x: from, width: to - from, y: top, height: bottom - top });
  };
  document.addEventListener("pointerdown", (event) => {
    const svg = event.target.closest?.("[data-zoom] svg[data-reads]");
    if (!svg || event.button) return;
    event.preventDefault(); // no text is selected on the way
    dragged = { svg, ...chartAt(svg, event) };
  });
  document.addEventListener("pointerup", (event) => {
    if (!dragged) return;
    const { at, value } = chartAt(dragged.svg, event);
    const steps = [dragged.value, value].sort((one, other) => one - other);
    dragged.svg.querySelector(".dragged")?.remove();
    if (Math.abs(at - dragged.at) > 6) {
      const address = new URL(location);
      address.searchParams.delete("page");
      address.searchParams.set("first", Math.floor(steps[0]));
      address.searchParams.set("last", Math.ceil(steps[1]));
      location.assign(address);
    }
    dragged = null;
  });

  // ------------------------------------------------------------------------------------------ completion
  // <input data-complete="/runs/complete.json"> offers what may stand at the caret: arrows choose, Enter or Tab takes.
  const offerWords = (input) => {
    const list = document.createElement("ul");
    Object.assign(list, { className: "offers", id: "offers", role: "listbox", ariaLabel: "What may stand here", hidden: true });
    input.after(list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    let found = { words: [] };
    let chosen = -1;
    let turn = 0;

    const choose = (place) => {
      chosen = place;
      [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === place)));
      input.setAttribute("aria-activedescendant", place < 0 ? "" : `offer-${place}`);
      list.children[place]?.scrollIntoView({ block: "nearest" });
    };
    const close = () => {
      turn += 1;
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      choose(-1);
    };
    const show = () => {
      list.replaceChildren(
        ...found.words.map(({ text, says }, at) => {
          const item = document.createElement("li");
          Object.assign(item, { id: `offer-${at}`, role: "option" });
          item.append(...[text, says].map((word) => Object.assign(document.createElement("span"), { textContent: word })));
          return item;
        }),
      );
      list.hidden = !found.words.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
      choose(-1);
    };
    const ask = async () => {
      const own = (turn += 1);
      const query = new URLSearchParams({ filter: input.value, at: input.selectionStart ?? input.value.length });
      if (input.form?.experiment?.value) query.set("experiment", input.form.experiment.value);
      const answer = await fetch(`${input.dataset.complete}?${query}`).catch(() => null);
      if (!answer?.ok || own !== turn) return;
      found = await answer.json();
      if (own === turn && document.activeElement === input) show();
    };
    const take = (place) => {
      const { text } = found.words[place];
      input.setRangeText(text, found.start, found.end, "end");
      close();
      if (!text.endsWith(")")) ask();
    };

    let timer = 0;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 60);
    });
    input.addEventListener("blur", () => setTimeout(close, 150));
    input.addEventListener("keydown", (event) => {
      if (list.hidden) {
        if (event.key === "ArrowDown") ask();
        return;
      }
      const number = found.words.length;
      if (event.key === "ArrowDown") choose((chosen + 1) % number);
      else if (event.key === "ArrowUp") choose(chosen <= 0 ? number - 1 : chosen - 1);
      else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(chosen);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    list.addEventListener("mousedown", (event) => {
      const item = event.target.closest("li");
      event.preventDefault();
      if (item) take([...list.children].indexOf(item));
    });
  };
  document.querySelectorAll("[data-complete]").forEach(offerWords);

  // ------------------------------------------------------------------------------------------ lists to choose from
  // <input data-part="columns" data-into="found"> asks for that part of the page again as one types, with the whole form.
  for (const input of document.querySelectorAll("[data-part]")) {
    let timer = 0;
    const look = async () => {
      const query = new URLSearchParams(new FormData(input.form));
      query.set("part", input.dataset.part);
      const answer = await fetch(`${input.form.action}?${query}`).catch(() => null);
      if (!answer?.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.getElementById(input.dataset.into).replaceChildren(...fresh.body.childNodes);
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(look, 120);
    });
  }

  // <input type="checkbox" data-all="run"> ticks every box of that name in its form.
  document.addEventListener("change", (event) => {
    const { all } = event.target.dataset;
    if (!all) return;
    for (const box of event.target.form.querySelectorAll(`input[name="${all}"]`)) box.checked = event.target.checked;
  });
})();
