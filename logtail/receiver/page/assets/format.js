// Numbers, times and elements.

const units = ["", "k", "M", "G", "T", "P", "E"];

// digits returns x with three significant digits, as netlog fmt prints it.
const digits = (x) => x.toFixed(x === 0 ? 0 : x < 9.995 ? 2 : x < 99.95 ? 1 : 0);

// short returns n and its unit.
export function short(n, unit = "B") {
	let power = 0;
	for (; n >= 999.5 && power < units.length - 1; power++) n /= 1000;
	return [power === 0 && Number.isInteger(n) ? String(n) : digits(n), units[power] + unit];
}

// brief returns n in at most four characters.
export function brief(n) {
	const [value, unit] = short(n, "");
	return (value < 9.95 && unit ? Number(value).toFixed(1) : Math.round(value)) + unit;
}

export const text = (n, unit) => short(n, unit).join("\u00a0");

// fill shows n in an element, with its unit in a column of its own.
export function fill(element, n, unit) {
	const [value, u] = short(n, unit);
	if (!element.firstChild) element.append("", make("span", { className: "unit" }));
	set(element.firstChild, value + "\u00a0");
	set(element.lastChild, u);
}

// set sets the text of a node, if it changes.
export function set(node, value) {
	if (node.textContent !== value) node.textContent = value;
}

// make returns an element.
export function make(name, properties, ...children) {
	const element = Object.assign(document.createElement(name), properties);
	element.append(...children);
	return element;
}

// resize makes an element have n children. It calls add for each new one.
export function resize(element, n, add) {
	while (element.children.length > n) element.lastElementChild.remove();
	while (element.children.length < n) element.append(add());
	return element.children;
}

const pad = (n) => String(n).padStart(2, "0");

// clock returns the time of day, with seconds unless they are zero and short is set.
export function clock(ms, short) {
	const t = new Date(ms);
	const minutes = pad(t.getHours()) + ":" + pad(t.getMinutes());
	return short ? minutes : minutes + ":" + pad(t.getSeconds());
}

// span returns a duration in one unit.
export function span(ms) {
	const s = Math.round(ms / 1000);
	if (s < 120) return s + "\u00a0s";
	if (s < 7200) return Math.round(s / 60) + "\u00a0min";
	if (s < 172800) return Math.round(s / 3600) + "\u00a0h";
	return Math.round(s / 86400) + "\u00a0days";
}

export const plural = (n, one, many = one + "s") => n.toLocaleString("en") + "\u00a0" + (n === 1 ? one : many);
