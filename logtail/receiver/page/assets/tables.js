// The tables of flows and nodes, and the matrix. Rows are changed in place, so that the focus and the selection stay.

import { brief, fill, make, plural, resize, set, span, text } from "./format.js";

const mostPairs = 12;

const link = () => make("button", { type: "button", className: "link" });
const cell = (className, ...children) => make("td", { className }, ...children);

// flows shows the flows of an answer. choose is called with the name or address of a side.
export function flows(body, data, choose) {
	const rows = resize(body, data.flows.length, () => {
		const side = () => {
			const b = link();
			b.addEventListener("click", () => choose(b.value));
			return cell("side", b, make("span"), make("span", { className: "dim" }));
		};
		return make("tr", {}, cell("", make("span", { className: "key" }), ""), side(), side(), cell(""), cell(""), cell("num"), cell("num"),
			cell("num", make("span"), make("span", { className: "share" })));
	});
	const largest = data.flows.reduce((max, f) => Math.max(max, f.txBytes + f.rxBytes), 1);
	data.flows.forEach((f, i) => {
		const [kind, src, dst, proto, state, tx, rx, total] = rows[i].cells;
		kind.firstChild.className = "key " + f.class;
		set(kind.lastChild, f.class);
		showSide(src, f.src, f, false);
		showSide(dst, f.dst, f, true);
		set(proto, f.proto || "");
		set(state, f.state === "unknown" ? "" : f.state);
		state.className = ["unanswered", "refused", "denied", "reset"].includes(f.state) ? "bad" : "";
		fill(tx, f.txBytes);
		fill(rx, f.rxBytes);
		fill(total.firstChild, f.txBytes + f.rxBytes);
		total.lastChild.style.width = (100 * (f.txBytes + f.rxBytes)) / largest + "%";
		const packets = plural(f.txPkts, "packet") + " sent, " + plural(f.rxPkts, "packet") + " received";
		total.title = f.atLeast ? packets + "; at least: small flows of that time were added up" : packets;
	});
}

// showSide shows a side of a flow. Without an address, it is a total.
function showSide(td, side, flow, isDst) {
	const [name, port, rest] = td.children;
	const label = side.name || side.addr || "";
	name.hidden = !label;
	name.value = label;
	set(name, label);
	set(port, side.port ? ":" + side.port : "");
	const nothing = !flow.other ? "(" + flow.class + ")" : isDst ? "" : "(other flows)";
	set(rest, !label ? nothing : side.name && side.addr ? " " + side.addr : "");
	td.title = [side.name, side.addr && side.addr + (side.port ? " port " + side.port : ""), side.id].filter(Boolean).join("\n");
}

// nodes shows the nodes of an answer.
export function nodes(body, data, choose) {
	const rows = resize(body, data.nodes.length, () => {
		const b = link();
		b.addEventListener("click", () => choose(b.value));
		return make("tr", {}, cell("", b), cell("num"), cell("num"), cell("num"), cell("num"), cell("num"), cell("num"));
	});
	data.nodes.forEach((n, i) => {
		const [name, seen, skew, gaps, dropped, tx, rx] = rows[i].cells;
		name.firstChild.value = n.name;
		set(name.firstChild, n.name);
		name.title = n.name + "\n" + n.id;
		const silent = data.now - n.seen;
		mark(seen, silent < 5000 ? "now" : span(silent) + " ago", silent > 120000);
		// Sending takes some seconds, so only what exceeds them is the fault of a clock.
		const off = n.skew > 1500 || n.skew < -60000;
		mark(skew, off ? (n.skew > 0 ? "+" : "\u2212") + span(Math.abs(n.skew)) : "ok", off);
		skew.title = off ? (n.skew > 0 ? "ahead of this machine" : "behind this machine, or its entries come late") : "";
		mark(gaps, brief(n.gaps), n.gaps > 0);
		mark(dropped, brief(n.dropped), n.dropped > 0);
		gaps.title = n.gaps ? plural(n.gaps, "entry", "entries") + " never came" : "";
		dropped.title = n.dropped ? plural(n.dropped, "entry", "entries") + " dropped by the node" : "";
		fill(tx, n.txBytes);
		fill(rx, n.rxBytes);
	});
}

function mark(td, value, bad) {
	set(td, value);
	td.className = bad ? "num bad" : value === "0" || value === "ok" ? "num dim" : "num";
}

// matrix shows who sends to whom. One cell can be reached with Tab, the others with the arrow keys.
export function matrix(table, data, choose) {
	const { nodes, bytes } = data.matrix;
	const names = JSON.stringify(nodes);
	if (table.names !== names) {
		table.names = names;
		build(table, nodes, choose);
	}
	const max = bytes.flat().reduce((a, b) => Math.max(a, b), 1);
	nodes.forEach((from, i) => nodes.forEach((to, j) => {
		const b = table.tBodies[0].rows[i].cells[j + 1].firstChild, n = bytes[i][j];
		// Each colour is for a power of ten.
		b.className = n ? "heat" + Math.max(1, Math.ceil(6 + Math.log10(n / max))) : "";
		set(b, n ? brief(n) : "");
		b.title = `${from} sent ${text(n)} to ${to}`;
		b.setAttribute("aria-label", b.title);
	}));
}

// pairs shows the largest numbers of the matrix as a list, where there is no room for it.
export function pairs(list, data, choose) {
	const { nodes, bytes } = data.matrix;
	const all = bytes.flatMap((row, i) => row.map((n, j) => ({ from: nodes[i], to: nodes[j], n }))).filter((p) => p.n > 0);
	all.sort((a, b) => b.n - a.n);
	const items = resize(list, Math.min(all.length, mostPairs), () => {
		const b = make("button", { type: "button" }, make("span", { className: "share" }), make("span", { className: "link" }), make("span", { className: "num" }));
		b.addEventListener("click", () => choose(b.from, b.to));
		return make("li", {}, b);
	});
	[...items].forEach((item, i) => {
		const b = item.firstChild, [share, names, number] = b.children;
		Object.assign(b, all[i]);
		set(names, b.from + " \u2192 " + b.to);
		fill(number, b.n);
		share.style.width = (100 * b.n) / all[0].n + "%";
	});
}

function build(table, nodes, choose) {
	const head = make("tr", {}, make("td"), ...nodes.map((n) => make("th", { scope: "col", title: n }, make("span", {}, n))));
	const rows = nodes.map((from, i) => make("tr", {}, make("th", { scope: "row", title: from }, from), ...nodes.map((to, j) => {
		const b = make("button", { type: "button", tabIndex: i + j ? -1 : 0 });
		b.addEventListener("click", () => choose(from, to));
		return make("td", {}, b);
	})));
	table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
	table.onkeydown = (event) => {
		const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
		const td = event.target.closest("td");
		if (!step || !td) return;
		event.preventDefault();
		const next = table.tBodies[0].rows[td.parentNode.sectionRowIndex + step[0]]?.cells[td.cellIndex + step[1]]?.querySelector("button");
		if (!next) return;
		event.target.tabIndex = -1;
		next.tabIndex = 0;
		next.focus();
	};
}
