"use strict";
// Local times, a live list, keys. Texts are data attributes of #content.
const $ = (id) => document.getElementById(id);
const { dataset } = $("content");

// Times
let skew = 0; // ms that the server's clock is ahead
const format = (dateStyle) => new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle, timeStyle: "medium", hourCycle: "h23" });
const [clock, full] = [format(), format("medium")];
const ages = dataset.ages.split("|"); // in s, m, h and d, and again with "ago"

function age(ms, ago) { // as ageOf
	let n = Math.max(ms / 1000, 0), unit = 0;
	while (n >= [60, 60, 48, Infinity][unit]) n /= unit++ < 2 ? 60 : 24;
	return ages[ago ? unit + 4 : unit].replace("%d", Math.floor(n));
}

function showTimes(within, which = "time") {
	for (const t of within.querySelectorAll(which)) {
		const at = new Date(t.dateTime), ago = t.dataset.age;
		t.title = full.format(at);
		t.textContent = ago !== undefined ? age(Date.now() + skew - at, ago) : t.textContent.length < 9 ? clock.format(at) : t.title;
	}
}

showTimes(document);
setInterval(() => document.hidden || showTimes(document, "[data-age]"), 5000);
const zone = new Date().toLocaleTimeString("en", { timeZoneName: "shortOffset" }).split("GMT")[1];
$("zone").textContent = dataset.zone.replace("%s", "UTC" + zone);

// A changed row waits for the next frame, and while it is in use.
const waiting = new Map(); // row id → [tbody id, <tr>], or nothing: gone

function showRows() {
	for (const [id, [group, fresh] = []] of waiting) {
		const row = $(id);
		if (row && (row.contains(document.activeElement) || row.querySelector("details[open]"))) continue;
		waiting.delete(id);
		if (fresh) showTimes(fresh);
		if (row) fresh ? row.replaceWith(fresh) : row.remove();
		else if (group) $(group) ? $(group).prepend(fresh) : on.reload();
	}
}

function show(id, change) {
	if (id) waiting.set(id, change);
	requestAnimationFrame(showRows);
}

for (const used of ["focusout", "toggle"]) addEventListener(used, () => show(), true);

// What the server sends
let source, timer, mark = dataset.mark, failures = 0, toSay, saying;

const on = {
	row(data) { // the id of its tbody, and the <tr>
		const t = document.createElement("template");
		t.innerHTML = data;
		const row = t.content.lastChild;
		show(row.id, [t.content.firstChild.data, row]);
	},
	gone: (ids) => ids.split(" ").forEach((id) => show(id)),
	sum(data) {
		const { now, title, say, texts } = JSON.parse(data);
		skew = now - Date.now();
		document.title = title;
		for (const id in texts) $(id)?.replaceChildren(texts[id]);
		toSay = say;
		saying ||= setTimeout(() => { $("said").textContent = toSay; saying = 0; }, 1e4); // a screen reader speaks it
	},
	seen(data) {
		for (const [id, age, took] of JSON.parse(data)) {
			const ms = $(id)?.querySelector(".ms"), probed = $(id)?.querySelector(".ms ~ small time");
			if (!probed) continue;
			ms.textContent = took;
			probed.dateTime = new Date(Date.now() + skew - age * 1000).toISOString();
			showTimes(probed.parentNode);
		}
	},
	banner(data) {
		$("banner").innerHTML = data;
		showTimes($("banner"));
	},
	reload() {
		dataset.list = "old";
		if (document.activeElement === document.body && performance.now() > 6e4) location.reload(); // not for ever
		later("changed");
	},
};

function tell(what) { // a data attribute, or nothing
	$("live").hidden = !what;
	$("live").firstElementChild.textContent = dataset[what];
}

function later(what) {
	source.close();
	tell(what);
	timer ||= setTimeout(connect, 3e4);
}

function connect() {
	timer = clearTimeout(timer);
	source?.close();
	if (!mark || document.hidden) return;
	source = new EventSource(`live${location.search || "?"}&list=${dataset.list}&after=${mark}`);
	source.onopen = () => tell(failures = 0);
	source.onerror = () => source.readyState === EventSource.CLOSED ? later("full") : ++failures > 2 && tell("lost");
	for (const kind in on) source.addEventListener(kind, (e) => {
		mark = e.lastEventId || mark;
		on[kind](e.data);
		$("now")?.replaceChildren(clock.format(Date.now() + skew));
	});
}

addEventListener("visibilitychange", connect);
connect();

// Keys, which may be switched off (WCAG 2.1.4)
function step(by) {
	const links = [...document.querySelectorAll("tr[id] th a")].filter((a) => a.offsetParent);
	const at = links.findIndex((a) => a.closest("tr").contains(document.activeElement));
	links.at((Math.max(at, by < 0 ? 0 : -1) + by) % links.length)?.focus();
}

const keys = { "/": () => $("q")?.focus(), "?": () => $("keys").showModal(), j: () => step(1), k: () => step(-1) };
[keys["ㅓ"], keys["ㅏ"]] = [keys.j, keys.k]; // in Korean

if ($("keys")) {
	addEventListener("keydown", (e) => {
		const modified = e.ctrlKey || e.altKey || e.metaKey || e.isComposing;
		if (modified || localStorage.keys || !keys[e.key] || e.target.closest("input, select, textarea, dialog")) return;
		e.preventDefault();
		keys[e.key]();
	});
	$("keys-show").hidden = false;
	$("keys-show").onclick = keys["?"];
	$("keys-on").checked = !localStorage.keys;
	$("keys-on").onchange = () => { localStorage.keys = $("keys-on").checked ? "" : "off"; };
}
