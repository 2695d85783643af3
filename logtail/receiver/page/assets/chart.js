// The chart of traffic over time, and its legend.

import { clock, fill, make, set, short, text } from "./format.js";

const stacked = ["virtual", "subnet", "exit", "denied"]; // physical traffic carries the others, so it is a line
const order = ["virtual", "subnet", "exit", "physical", "denied"];
const titles = {
	virtual: "between nodes", subnet: "with a subnet behind a node", exit: "with the outside world",
	physical: "of the encrypted transport, which carries the others", denied: "dropped by the filter of a node",
};
const late = 20000; // milliseconds for which entries are still on their way
const least = 3; // pixels of a step; in a narrow window some are added up
const margin = { left: 62, right: 8, top: 10, bottom: 20 };

const svg = (name, attributes, parent) => {
	const e = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const k in attributes) e.setAttribute(k, attributes[k]);
	parent?.append(e);
	return e;
};

// Chart draws into an element. choose is called with a class to filter by.
export class Chart {
	constructor(element, legend, at, choose) {
		this.element = element;
		this.at = at;
		this.legend = legend;
		this.cursor = null; // index of a step
		this.top = 0; // of the axis, in bytes a second
		for (const name of order) {
			const b = make("button", { type: "button", value: name, title: name + " traffic: " + titles[name], className: name },
				make("span", { className: "key" }), make("b", {}, name), make("span", { className: "rate" }), make("span", { className: "sum" }));
			b.addEventListener("click", () => choose(name));
			legend.append(b);
		}
		this.svg = svg("svg", { tabindex: 0, role: "slider", "aria-label": "Traffic over time. The arrow keys move through it.", "aria-valuemin": 0 }, element);
		this.svg.addEventListener("pointermove", (e) => this.point(e.clientX));
		this.svg.addEventListener("pointerleave", () => this.move(null));
		this.svg.addEventListener("blur", () => this.move(null));
		this.svg.addEventListener("keydown", (e) => this.key(e));
		new ResizeObserver(() => this.data && this.draw()).observe(element);
	}

	// show shows the classes of an answer. chosen are the classes of the filter.
	show(data, chosen) {
		this.data = data;
		this.byName = Object.fromEntries(data.classes.map((c) => [c.class, c]));
		this.legend.classList.toggle("some", chosen.length > 0);
		for (const b of this.legend.children) b.setAttribute("aria-pressed", chosen.includes(b.value));
		this.draw();
	}

	// merge adds up steps so that there is room for each, and sets n, step and rates by class.
	merge(width) {
		const n = this.data.classes[0].series.length;
		const times = [1, 2, 3, 6, 12].find((t) => (width / n) * t >= least) || 30;
		this.n = Math.ceil(n / times);
		this.step = this.data.step * times;
		this.late = Math.ceil(late / this.step);
		this.rates = {};
		for (const c of this.data.classes) {
			const sums = (this.rates[c.class] = new Array(this.n).fill(0));
			c.series.forEach((bytes, i) => { sums[Math.floor(i / times)] += bytes / (this.step / 1000); });
		}
	}

	rate(name, i) {
		return this.rates[name][i];
	}

	draw() {
		const width = this.element.clientWidth, height = this.svg.clientHeight;
		if (width === 0) return;
		const inner = { w: width - margin.left - margin.right, h: height - margin.top - margin.bottom };
		this.merge(inner.w);
		const n = this.n;
		this.x = (i) => margin.left + (i / n) * inner.w;
		const sums = Array.from({ length: n }, (_, i) => stacked.reduce((sum, name) => sum + this.rate(name, i), 0));
		let max = 1;
		for (let i = 0; i < n; i++) max = Math.max(max, sums[i], this.rate("physical", i));
		this.scale(max);
		this.y = (v) => margin.top + inner.h * (1 - v / this.top);

		this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
		this.svg.replaceChildren();
		this.grid(width, height);
		const base = new Array(n).fill(0);
		for (const name of stacked) {
			if (this.byName[name].bytes === 0) continue;
			const up = [], down = [];
			for (let i = 0; i < n; i++) {
				down.push(`${this.x(i + 1)},${this.y(base[i])} ${this.x(i)},${this.y(base[i])}`);
				base[i] += this.rate(name, i);
				up.push(`${this.x(i)},${this.y(base[i])} ${this.x(i + 1)},${this.y(base[i])}`);
			}
			svg("polygon", { class: "area " + name, points: up.join(" ") + " " + down.reverse().join(" ") }, this.svg);
		}
		if (this.byName.physical.bytes > 0) {
			const points = [];
			for (let i = 0; i < n; i++) points.push(`${this.x(i)},${this.y(this.rate("physical", i))} ${this.x(i + 1)},${this.y(this.rate("physical", i))}`);
			svg("polyline", { class: "line", points: points.join(" ") }, this.svg);
		}
		svg("rect", { class: "late", x: this.x(n - this.late), y: margin.top, width: this.x(n) - this.x(n - this.late), height: inner.h }, this.svg);
		this.line = svg("line", { class: "cursor", y1: margin.top, y2: margin.top + inner.h, visibility: "hidden" }, this.svg);
		this.move(this.cursor);
	}

	// scale chooses the top of the axis. It shrinks late, so that it does not jump.
	scale(max) {
		if (max <= this.top && max > this.top / 4) return;
		const power = 10 ** Math.floor(Math.log10(max));
		this.top = [1, 2, 4, 6, 8].find((m) => m * power >= max * 1.02) * power || 10 * power;
	}

	grid(width, height) {
		const steps = 4;
		for (let i = 0; i <= steps; i++) {
			const v = (this.top * i) / steps, y = this.y(v);
			svg("line", { class: i ? "grid" : "base", x1: margin.left, x2: width - margin.right, y1: y, y2: y }, this.svg);
			if (i) svg("text", { x: margin.left - 8, y: y + 4, "text-anchor": "end" }, this.svg).textContent = this.tick(v);
		}
		const minutes = (this.n * this.step) / 60000;
		const every = ([1, 2, 5, 10, 20].find((m) => minutes / m <= Math.max(2, width / 90)) || 30) * 60000;
		for (let t = Math.ceil(this.data.first / every) * every; t < this.data.first + this.n * this.step; t += every) {
			const x = this.x((t - this.data.first) / this.step);
			svg("line", { class: "grid", x1: x, x2: x, y1: margin.top, y2: height - margin.bottom }, this.svg);
			if (x > margin.left + 12 && x < width - 20) svg("text", { x, y: height - 5, "text-anchor": "middle" }, this.svg).textContent = clock(t, true);
		}
	}

	// tick returns a label of the axis. All have the unit of the top.
	tick(v) {
		const [, unit] = short(this.top, "B/s");
		const [top] = short(this.top, "B/s");
		return Number(((v / this.top) * Number(top)).toPrecision(3)) + "\u00a0" + unit;
	}

	point(clientX) {
		if (!this.data) return;
		const x = clientX - this.svg.getBoundingClientRect().left;
		const i = Math.floor(((x - margin.left) / (this.x(this.n) - margin.left)) * this.n);
		this.move(i >= 0 && i < this.n ? i : null);
	}

	key(event) {
		const jump = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10, Home: -this.n, End: this.n }[event.key];
		if (event.key === "Escape") this.move(null);
		if (!jump) return;
		event.preventDefault();
		this.move(Math.min(this.n - 1, Math.max(0, (this.cursor ?? this.n - this.late) + jump)));
	}

	// move shows the values of a step in the legend, or the last complete step and the sums.
	move(i) {
		this.cursor = i = i === null ? null : Math.min(i, this.n - 1);
		const at = i ?? Math.max(0, this.n - this.late - 1);
		const time = clock(this.data.first + at * this.step);
		set(this.at, i === null ? "" : "at " + time);
		for (const b of this.legend.children) {
			const c = this.byName[b.value];
			b.hidden = c.bytes === 0 && b.getAttribute("aria-pressed") !== "true";
			fill(b.querySelector(".rate"), this.rate(b.value, at), "B/s");
			set(b.querySelector(".sum"), text(c.bytes) + ", " + c.flows.toLocaleString("en") + (c.flows === 1 ? " flow" : " flows"));
		}
		this.svg.setAttribute("aria-valuemax", this.n - 1);
		this.svg.setAttribute("aria-valuenow", at);
		this.svg.setAttribute("aria-valuetext", time + ": " + order.filter((c) => this.byName[c].bytes > 0)
			.map((c) => c + " " + text(this.rate(c, at), "B/s")).join(", "));
		if (i === null) return this.line.setAttribute("visibility", "hidden");
		const x = this.x(i + 0.5);
		this.line.setAttribute("x1", x);
		this.line.setAttribute("x2", x);
		this.line.setAttribute("visibility", "visible");
	}
}
