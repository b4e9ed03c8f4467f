"use strict";
// Keeps the list up to date, has times in the reader's zone, and adds keys. Texts are data attributes of #content.
const $ = (id) => document.getElementById(id);
const { dataset } = $("content");

// Times
let skew = 0; // by how many ms the server's clock is ahead
const local = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const ages = dataset.ages.split("|"); // of seconds, minutes, hours and days, and again with "ago"

function age(ms, ago) { // as ageOf in append.go
	let n = Math.max(ms / 1000, 0), unit = 0;
	while (n >= [60, 60, 48, Infinity][unit]) n /= unit++ < 2 ? 60 : 24;
	return ages[unit + (ago && 4)].replace("%d", Math.floor(n));
}

function showTimes(within, which = "time[datetime]") {
	for (const t of within.querySelectorAll(which)) {
		const at = new Date(t.dateTime);
		t.title = local.format(at);
		t.textContent = "age" in t.dataset ? age(Date.now() + skew - at, !!t.dataset.age) : t.title;
	}
}

showTimes(document);
setInterval(() => document.hidden || showTimes(document, "[data-age]"), 5000);
const offset = new Date().toLocaleTimeString("en", { timeZoneName: "shortOffset" }).split("GMT")[1];
$("zone").textContent = dataset.zone.replace("%s", "UTC" + offset);

// A row that has changed waits for the next frame, and while it is in use.
const waiting = new Map(); // row id → [tbody id, <tr>], or nothing if it is gone
let frame = 0;

function showRows() {
	frame = 0;
	for (const [id, [group, fresh] = []] of waiting) {
		const row = $(id);
		if (row && (row.contains(document.activeElement) || row.querySelector("details[open]"))) continue;
		waiting.delete(id);
		if (fresh) showTimes(fresh);
		if (row) fresh ? row.replaceWith(fresh) : row.remove();
		else if (fresh) $(group)?.prepend(fresh);
	}
}

function show(id, change) {
	if (id) waiting.set(id, change);
	frame ||= waiting.size && requestAnimationFrame(showRows);
}

for (const used of ["focusout", "toggle"]) addEventListener(used, () => show(), true);

// What the server sends
let source, timer, last = dataset.revision, failures = 0, toSay = "", saying = 0;

const on = {
	row(data) { // the tbody for one that is new, and the row
		const at = data.indexOf("<"), t = document.createElement("template");
		t.innerHTML = data.slice(at);
		const row = t.content.firstElementChild;
		show(row.id, [data.slice(0, at), row]);
	},
	gone: (id) => show(id),
	sum(data) {
		const { now, title, say, texts } = JSON.parse(data);
		skew = now - Date.now();
		document.title = title;
		for (const id in texts) if ($(id)) $(id).textContent = texts[id];
		toSay = say;
		saying ||= setTimeout(() => { $("said").textContent = toSay; saying = 0; }, 1e4); // a screen reader speaks it
	},
	seen(data) {
		for (const [id, age, took] of JSON.parse(data)) {
			const ms = $(id)?.querySelector(".ms");
			if (!ms) continue;
			ms.textContent = took;
			ms.parentNode.querySelector("time").dateTime = new Date(Date.now() + skew - age * 1000).toISOString();
		}
	},
	banner(data) {
		$("banner").innerHTML = data; // of a template
		showTimes($("banner"));
	},
	reload() {
		disconnect();
		const calm = document.activeElement === document.body && performance.now() > 6e4; // two exporters may have two lists
		calm ? location.reload() : tell("changed");
	},
};

function tell(what) { // a data attribute; nothing: all is well
	$("live").hidden = !what;
	$("live").firstElementChild.textContent = dataset[what];
}

function disconnect() {
	clearTimeout(timer);
	source?.close();
	source = null;
}

function connect() {
	if (document.hidden) return disconnect();
	if (!dataset.live || source) return;
	const query = new URLSearchParams(location.search);
	query.set("after", last);
	query.set("list", dataset.list);
	source = new EventSource(dataset.live + "?" + query);
	source.onopen = () => tell(failures = 0);
	source.onerror = () => {
		if (source.readyState < 2) return ++failures > 2 && tell("lost"); // the browser connects again
		disconnect();
		tell("full");
		timer = setTimeout(connect, 3e4);
	};
	for (const kind in on) source.addEventListener(kind, (e) => {
		last = e.lastEventId || last;
		on[kind](e.data);
	});
}

document.addEventListener("visibilitychange", connect);
connect();

// Keys, which a reader may switch off (WCAG 2.1.4)
function step(by) {
	const links = [...document.querySelectorAll("tr[id] th a")].filter((a) => a.offsetParent);
	const at = links.findIndex((a) => a.closest("tr").contains(document.activeElement));
	links.at((Math.max(at, by < 0 ? 0 : -1) + by) % links.length)?.focus();
}

const keys = { "/": () => $("q")?.focus(), "?": () => $("keys").showModal(), j: () => step(1), k: () => step(-1) };
[keys["ㅓ"], keys["ㅏ"]] = [keys.j, keys.k]; // on a Korean keyboard

addEventListener("keydown", (e) => {
	const typing = e.ctrlKey || e.altKey || e.metaKey || e.isComposing || e.target.closest("input, select, textarea, dialog");
	if (typing || localStorage.keys || !keys[e.key]) return;
	e.preventDefault();
	keys[e.key]();
});
$("keys-show").onclick = keys["?"];
$("keys-on").checked = !localStorage.keys;
$("keys-on").onchange = (e) => { localStorage.keys = e.target.checked ? "" : "off"; };
