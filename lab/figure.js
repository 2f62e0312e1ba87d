// Shows markup that Python made: swaps the layers that changed, moves the message along its hop, sends clicks back.
// It keeps no state of the run: a view can be closed and opened again at any time.

const STILL = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const KEYS = " .mnNfcp?1234".split("").concat(["ArrowRight", "ArrowLeft", "Home", "End", "Escape"]);
const CLICKER = ["PageDown", "PageUp"]; // what a presenter's remote control sends
const ROW = 22.5; // the height of a row of the lanes
const REST = 0.55; // where a message in flight stands when nothing moves

function place(root, share) {
  for (const path of root.querySelectorAll("[data-hop]")) {
    path.setAttribute("stroke-dasharray", `${share} 2`);
    const dot = path.parentNode.querySelector("[data-dot]");
    if (!dot) continue;
    const at = path.getPointAtLength(share * path.getTotalLength());
    dot.setAttribute("cx", at.x);
    dot.setAttribute("cy", at.y);
  }
}

function render({ model, el }) {
  const shown = {};
  let running = 0;
  let drawn = 0;

  const slot = (name) => el.querySelector(`[data-layer="${name}"]`);

  function show(name) {
    const markup = model.get(name);
    const target = slot(name);
    if (!target || shown[name] === markup) return;
    // What has the focus is about to be replaced by its successor: hand the focus on.
    const focused = target.contains(document.activeElement) ? document.activeElement : null;
    target.innerHTML = markup;
    shown[name] = markup;
    if (focused) {
      const { act, id } = focused.dataset;
      const heir = act ? `[data-act="${act}"][data-id="${id}"]` : ".track";
      target.querySelector(heir)?.focus({ preventScroll: true });
    }
  }

  function size() {
    for (const svg of el.querySelectorAll("svg[data-size]")) {
      const [width, height] = model.get(svg.dataset.size);
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.setAttribute("width", width);
      svg.setAttribute("height", height);
    }
    const named = el.querySelector("[data-named]");
    if (named) named.setAttribute("aria-label", model.get("label"));
  }

  function build() {
    el.innerHTML = model.get("skeleton");
    for (const name of Object.keys(shown)) delete shown[name];
    update();
  }

  function update() {
    size();
    for (const name of ["ground", "story", "head"]) show(name);
    sift();
    follow();
    move();
  }

  // The row that was just chosen, else the one that is current, else the last one: into sight, but only when it changed.
  let chosen = "";
  let latest = "";
  let seen = false;
  function follow() {
    const box = el.querySelector(".scroll");
    if (!box) return;
    const picked = box.querySelector("[data-selected]");
    const current = box.querySelector("[data-current]");
    const rows = box.querySelectorAll("[data-act]");
    const now = current ? current.dataset.current : `after ${rows.length && rows[rows.length - 1].dataset.id}`;
    const choice = picked ? picked.dataset.selected : "";
    const row = choice && choice !== chosen ? picked : now !== latest ? current || rows[rows.length - 1] : null;
    chosen = choice;
    latest = now;
    if (!row) return;
    const top = row.getBBox().y;
    if (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 46) {
      box.scrollTop = Math.max(0, Math.ceil((top - box.clientHeight + 70) / ROW) * ROW);
    }
  }

  // A search box in a picture hides the rows that do not have its words.
  function sift() {
    const box = el.querySelector("[data-find]");
    if (!box) return;
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of el.querySelectorAll("[data-words]")) {
      if (box.parentNode.contains(row)) row.hidden = !words.every((word) => row.dataset.words.includes(word));
    }
  }
  el.addEventListener("input", (event) => event.target.matches("[data-find]") && sift());

  function move() {
    cancelAnimationFrame(running);
    const [from, to, duration] = model.get("motion");
    if (!el.querySelector("[data-hop]")) return;
    if (STILL() || duration <= 0) {
      place(el, STILL() ? REST : to);
      return;
    }
    const start = performance.now();
    const tick = (now) => {
      const share = Math.min(1, Math.max(0, now - start) / duration);
      place(el, from + (to - from) * share);
      el.dataset.frames = ++drawn;
      if (share < 1) running = requestAnimationFrame(tick);
    };
    place(el, from);
    running = requestAnimationFrame(tick);
  }

  let queued = 0;
  const changed = () => {
    cancelAnimationFrame(queued);
    queued = requestAnimationFrame(update);
  };
  model.on("change:skeleton", build);
  for (const name of ["ground", "story", "head", "motion", "box", "top", "label"]) model.on(`change:${name}`, changed);

  model.on("change:again", () => {
    for (const name of Object.keys(shown)) delete shown[name];
    changed();
  });

  // What a disclosure hides need not be made. This event does not bubble.
  el.addEventListener(
    "toggle",
    (event) => event.target.matches(".twin") && model.send({ act: "toggle", id: event.target.open ? "open" : "closed" }),
    true,
  );

  const act = (target) => model.send({ act: target.dataset.act, id: target.dataset.id || "" });
  el.addEventListener("click", (event) => {
    const target = event.target.closest("[data-act]");
    if (target && el.contains(target)) act(target);
  });
  el.addEventListener("keydown", (event) => {
    const target = event.target.closest("[data-act]");
    if (target && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      event.stopPropagation();
      act(target);
    }
  });

  // Up and down walk from message to message, and from peer to peer around the ring.
  function neighbour(target, step) {
    const row = target.closest(".scroll");
    const ring = target.closest("g.node");
    let all = [];
    let here = -1;
    if (row) {
      all = [...row.querySelectorAll("[data-act=row]")];
      here = all.indexOf(target.closest("[data-act=row]"));
      if (here < 0) return all[step > 0 ? 0 : all.length - 1];
    } else if (ring) {
      const over = new Map([...(slot("story")?.querySelectorAll("g.node") || [])].map((node) => [node.dataset.id, node]));
      const ground = [...(slot("ground")?.querySelectorAll("g.node") || [])];
      all = ground.map((node) => over.get(node.dataset.id) || node);
      here = all.indexOf(ring);
      if (here < 0) return all[0];
      return all[(here + step + all.length) % all.length];
    }
    return all[here + step];
  }
  el.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const heir = neighbour(event.target, event.key === "ArrowUp" ? -1 : 1);
    if (!heir) return;
    event.preventDefault();
    event.stopPropagation();
    heir.focus({ preventScroll: false });
  });

  const reach = (event) => {
    const node = event.target.closest("[data-node]");
    const path = el.querySelector(".reach");
    if (path) path.setAttribute("d", (node && model.get("reach")[node.dataset.node]) || "M0 0");
  };
  el.addEventListener("pointerover", reach);
  el.addEventListener("focusin", reach);
  el.addEventListener("pointerleave", reach);

  let dragging = false;
  let asked = -1;
  const seek = (event) => {
    const rail = el.querySelector(".track");
    if (!rail) return;
    const box = rail.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const cursor = Math.round(share * Number(rail.dataset.room));
    if (cursor !== asked) {
      asked = cursor;
      model.send({ act: "seek", id: String(cursor) });
    }
  };
  el.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(".track")) return;
    dragging = true;
    asked = -1;
    el.setPointerCapture(event.pointerId); // the rail itself is replaced at every step of the drag
    seek(event);
  });
  el.addEventListener("pointermove", (event) => dragging && seek(event));
  for (const name of ["pointerup", "pointercancel"]) el.addEventListener(name, () => (dragging = false));

  // One figure of a panel hears the keys of the whole panel, and keeps the notebook's own shortcuts out of it.
  let panel = null;
  const keys = (event) => {
    const tag = event.target.tagName;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (tag === "SELECT" || tag === "TEXTAREA" || (tag === "INPUT" && event.target.type !== "checkbox")) return;
    if (event.key === " " && (tag === "BUTTON" || tag === "SUMMARY" || tag === "INPUT")) return;
    if (KEYS.includes(event.key) || (CLICKER.includes(event.key) && panel.classList.contains("present"))) {
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "p") fill();
      model.send({ act: "key", id: event.key });
    }
  };
  // The presenter's picture takes the whole screen where the page allows it; else it stays in its cell.
  const fill = () => {
    if (!panel.classList.contains("present")) panel.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen();
    panel.focus({ preventScroll: true });
  };
  const pressed = (event) => event.target.closest(".lab-present") && fill();
  const left = () => {
    if (!document.fullscreenElement && panel.classList.contains("present")) model.send({ act: "left" });
  };
  const watch = new ResizeObserver((entries) => {
    const width = Math.floor(entries[0].contentRect.width / 4) * 4;
    if (width === 0) seen = false;
    if (!seen && width > 0) {
      // Nothing can be scrolled into sight before there is a size.
      seen = true;
      latest = "";
      follow();
    }
    if (width > 0 && Math.abs(width - model.get("width")) >= 4) {
      model.set("width", width);
      model.save_changes();
    }
    if (!panel && model.get("hears")) {
      panel = el.closest(".lab");
      if (panel) {
        panel.setAttribute("data-lm-suppress-shortcuts", "true");
        panel.tabIndex = -1;
        panel.addEventListener("keydown", keys);
        panel.addEventListener("click", pressed);
        document.addEventListener("fullscreenchange", left);
      }
    }
  });
  watch.observe(el);
  build();
  return () => {
    watch.disconnect();
    cancelAnimationFrame(running);
    cancelAnimationFrame(queued);
    if (!panel) return;
    panel.removeEventListener("keydown", keys);
    panel.removeEventListener("click", pressed);
    document.removeEventListener("fullscreenchange", left);
  };
}

export default { render };
