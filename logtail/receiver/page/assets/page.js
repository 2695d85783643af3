// The page: its filter, which is the query of its URL, and what it shows of data.json.

import { Chart } from "./chart.js";
import { clock, make, plural, resize, set } from "./format.js";
import * as tables from "./tables.js";

const $ = (id) => document.getElementById(id);
const views = ["range", "sort", "limit"]; // parameters that hide no flow
const ranges = { "5m": "5 minutes", "15m": "15 minutes", "1h": "hour" };
const longest = 60000; // milliseconds of a request
const defaults = { range: "15m", sort: "bytes" };

let params = new URLSearchParams(location.search);
let loaded = null; // the answer that is shown
let loading = null; // ends the request in progress
let stale = false; // there was something new during the request
let events = null;
let paused = false;

const chart = new Chart($("chart"), $("legend"), $("at"), (name) => {
	const list = classes().includes(name) ? classes().filter((c) => c !== name) : [...classes(), name];
	change({ class: list.join(",") });
});
const classes = () => (params.get("class") || "").split(",").filter(Boolean);
const filtered = () => [...params].some(([k, v]) => v && !views.includes(k));

// change sets parameters, and loads. Without a value, a parameter is removed.
function change(values, replace) {
	const next = new URLSearchParams(params);
	for (const k in values) {
		next.delete(k);
		for (const v of [values[k]].flat()) if (v && v !== defaults[k]) next.append(k, v);
	}
	if (!("limit" in values)) next.delete("limit");
	if (next.toString() === params.toString()) return;
	params = next;
	const url = location.pathname + (params.size ? "?" + params : "");
	replace ? history.replaceState(null, "", url) : history.pushState(null, "", url);
	showFilter();
	load();
}

// addNode filters by further nodes.
const addNode = (...names) => change({ node: [...new Set([...params.getAll("node"), ...names.filter((n) => n && !/^\(.*\)$/.test(n))])] });

function showFilter() {
	for (const id of ["q", "port", "state"]) if (document.activeElement !== $(id)) $(id).value = params.get(id) || "";
	$("clear").hidden = !filtered();
	const nodes = params.getAll("node");
	const chips = resize($("chosen"), nodes.length, () => {
		const b = make("button", { type: "button", className: "chip" });
		b.addEventListener("click", () => change({ node: params.getAll("node").filter((n) => n !== b.value) }));
		return b;
	});
	nodes.forEach((n, i) => {
		chips[i].value = n;
		set(chips[i], n + " \u00d7");
		chips[i].setAttribute("aria-label", "Remove the node " + n + " from the filter");
	});
	const range = params.get("range") || defaults.range, sort = params.get("sort") || defaults.sort;
	for (const b of $("range").children) b.setAttribute("aria-pressed", b.value === range);
	for (const b of $("flows").tHead.querySelectorAll("button")) {
		const th = b.parentNode;
		if (sort === b.value || sort === "-" + b.value) th.setAttribute("aria-sort", sort === b.value ? "descending" : "ascending");
		else th.removeAttribute("aria-sort");
	}
}

// refresh loads what is new. It does not replace a request in progress, which would never end if the connection is slow.
function refresh() {
	if (loading) stale = true;
	else load();
}

// load gets what the filter selects. A newer request replaces one in progress.
async function load() {
	loading?.abort();
	const { signal } = (loading = new AbortController());
	stale = false;
	let response, body;
	try {
		response = await fetch("data.json?" + params, { signal: AbortSignal.any([signal, AbortSignal.timeout(longest)]) });
		body = await response.text();
	} catch { /* aborted, or there is no server */ }
	if (signal.aborted) return;
	loading = null;
	if (stale) refresh();
	if (body === undefined) noServer();
	else if (response.ok) {
		show(JSON.parse(body));
		performance.clearMarks();
		performance.mark("shown");
	}
	else note([body.trim() + ". Correct the address of this page, or clear the filter."]);
}

function noServer() {
	$("status").className = "lost";
	set($("status"), "no connection");
	const since = loaded ? "What you see is of " + clock(loaded.now) + ". " : "";
	note(["netlog serve does not answer. " + since + "If it has ended, start it again; this page then goes on by itself."]);
}

function note(lines) {
	$("notes").hidden = lines.length === 0;
	set($("notes"), lines.join("\n"));
}

function show(data) {
	loaded = data;
	const { notes } = data;
	const lines = [...(notes.problems || [])];
	if (notes.skipped) lines.push(plural(notes.skipped, "entry is", "entries are") + " stored but not shown: they came too fast. netlog fmt reads them from the files.");
	note(lines);
	$("status").className = paused ? "" : "live";
	set($("status"), notes.filling ? "reading the last hour from the files" : (paused ? "paused at " : "live, ") + clock(data.now));

	const empty = data.nodes.length === 0 && !notes.filling;
	$("empty").hidden = !empty;
	for (const id of ["filter", "traffic", "talk", "senders", "largest"]) $(id).hidden = empty;
	for (const e of document.querySelectorAll(".collector")) set(e, notes.collector || "URL");
	if (empty) return;

	chart.show(data, classes());
	tables.flows($("flows").tBodies[0], data, addNode);
	tables.nodes($("nodes").tBodies[0], data, addNode);
	tables.matrix($("matrix"), data, addNode);
	tables.pairs($("pairs"), data, addNode);
	set($("less"), data.matrix.more ? plural(data.matrix.more, "less busy node or address", "less busy nodes or addresses") + " left out" : "");
	$("talk").hidden = data.matrix.nodes.length === 0;
	set($("nodecount"), plural(data.nodes.length, "node") + ", " + data.nodes.filter((n) => data.now - n.seen < 120000).length + " in the last 2 minutes");
	const shown = data.flows.length < data.matched ? "the first " + data.flows.length + " of " : "";
	set($("flowcount"), shown + plural(data.matched, "flow") + " of the last " + ranges[params.get("range") || defaults.range]);
	$("more").hidden = data.flows.length === data.matched || data.flows.length >= 2000;
	$("flows").hidden = data.matched === 0;
	showNone(data);
	const names = data.nodes.map((n) => n.name);
	const options = resize($("names"), names.length, () => make("option"));
	names.forEach((n, i) => { if (options[i].value !== n) options[i].value = n; });
}

// showNone says what to do if there is no flow.
function showNone(data) {
	const none = $("none");
	none.hidden = data.matched > 0;
	const range = params.get("range") || defaults.range;
	const state = data.matched ? "" : filtered() ? "filter" : range !== "1h" ? "range" : "silent";
	if (none.dataset.state === state) return;
	none.dataset.state = state;
	const button = (label, action) => {
		const b = make("button", { type: "button" }, label);
		b.addEventListener("click", action);
		return b;
	};
	if (state === "filter") none.replaceChildren("No flow of this time matches the filter. ", button("Clear filter", clear));
	if (state === "range") none.replaceChildren("No traffic in the last " + ranges[range] + ". ", button("Show the last hour", () => change({ range: "1h" })));
	if (state === "silent") none.replaceChildren("No traffic in the last hour. netlog fmt shows what the files have of earlier times.");
}

function clear() {
	for (const id of ["q", "port", "state", "node"]) $(id).value = "";
	$("q").focus(); // the button goes
	change(Object.fromEntries([...params.keys()].filter((k) => !views.includes(k)).map((k) => [k, ""])));
}

// listen opens the stream of events, while the page can be seen.
function listen() {
	events?.close();
	events = null;
	if (paused || document.hidden) return;
	events = new EventSource("events");
	events.addEventListener("news", refresh);
	events.addEventListener("open", refresh);
	events.addEventListener("error", () => {
		refresh(); // says whether the server is there
		if (events?.readyState === EventSource.CLOSED) setTimeout(listen, 10000);
	});
}

function setup() {
	let typing;
	for (const id of ["q", "port"]) $(id).addEventListener("input", () => {
		clearTimeout(typing);
		typing = setTimeout(() => change({ [id]: $(id).value.trim() }, true), 150);
	});
	$("port").addEventListener("input", () => { $("port").value = $("port").value.replace(/\D/g, ""); });
	$("state").addEventListener("change", () => change({ state: $("state").value }));
	$("node").addEventListener("change", () => {
		addNode($("node").value.trim());
		$("node").value = "";
	});
	$("filter").addEventListener("submit", (e) => e.preventDefault());
	$("clear").addEventListener("click", clear);
	$("more").addEventListener("click", () => change({ limit: String(Math.min(2000, (loaded?.flows.length || 100) * 2)) }));
	for (const b of $("range").children) b.addEventListener("click", () => change({ range: b.value }));
	for (const b of $("flows").tHead.querySelectorAll("button")) b.addEventListener("click", () => {
		change({ sort: (params.get("sort") || defaults.sort) === b.value ? "-" + b.value : b.value });
	});
	$("pause").addEventListener("click", () => {
		paused = !paused;
		$("pause").setAttribute("aria-pressed", paused);
		set($("pause"), paused ? "Go on" : "Pause");
		listen();
		if (paused) load();
	});
	document.addEventListener("visibilitychange", listen);
	document.addEventListener("keydown", (e) => {
		if (e.key !== "/" || e.target.matches("input, select")) return;
		e.preventDefault();
		$("q").focus();
	});
	addEventListener("popstate", () => {
		params = new URLSearchParams(location.search);
		showFilter();
		load();
	});
}

setup();
showFilter();
load();
listen();
