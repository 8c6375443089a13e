// The packages that this browser knows, with their secrets: in its own storage, nowhere else.

const NAME = "downstream-packages";
let memory = {}; // where the browser stores nothing
export let lasting = true;

function all() {
  if (!lasting) return memory;
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}");
  } catch {
    lasting = false;
    return memory;
  }
}

function write(records) {
  memory = records;
  try {
    localStorage.setItem(NAME, JSON.stringify(records));
  } catch {
    lasting = false;
  }
}

// Newest first.
export function list() {
  return Object.values(all()).sort((one, other) => other.added - one.added);
}

export function find(id) {
  return all()[id];
}

export function keep(record) {
  write({ ...all(), [record.id]: record });
  return record;
}

// Change some of what is kept of a package, if it is still kept.
export function change(id, values) {
  const record = find(id);
  return record && keep({ ...record, ...values });
}

export function forget(id) {
  const records = all();
  delete records[id];
  write(records);
}
