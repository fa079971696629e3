// Rates: what has happened between two states of the lab, a second.

/**
 * Return the rates between two states: of every core the share that was busy; of every worker its
 * CPU, the part of the time that it was busy, and its requests; and the same of the lab as a whole.
 * What is not known is null.
 */
export function ratesBetween(before, now) {
  const seconds = now.clock_s - before.clock_s;
  const rate = (old, current) => Math.max(0, current - old) / seconds;
  const cores = now.machine.cores.map((core, index) => {
    const old = before.machine.cores[index];
    return { core: core.core, share: busyShare(old, core) };
  });
  const workers = now.workers.map((worker) => {
    const old = before.workers.find(({ pid }) => pid === worker.pid) ?? NEW_WORKER;
    const rateOf = (name) => (worker[name] === null ? null : rate(old[name], worker[name]));
    return {
      ...worker,
      cpu: rateOf("cpu_s"),
      busy: rateOf("busy_s"),
      rate: rateOf("requests"),
    };
  });
  const lab = now.lab && before.lab && {
    rate: rate(before.lab.requests, now.lab.requests),
    busy: rate(before.lab.busy_s, now.lab.busy_s),
  };
  return { cores, workers, lab };
}

const NEW_WORKER = { cpu_s: 0, busy_s: 0, requests: 0 };

/** Return the share of the time in which a core was busy, from 0 to 1. */
function busyShare(old, core) {
  if (!old) return 0;
  const total = core.total_s - old.total_s;
  return total > 0 ? Math.min(1, Math.max(0, core.busy_s - old.busy_s) / total) : 0;
}
