// The load of other programs: how many cores they kept busy while something was measured.

const BUSY_CORES = 0.5; // From here on the machine is called busy.

export const isBusy = (cores) => cores > BUSY_CORES;

/**
 * Return the CPU counters of the lab's machine, and its workers' pids (null where it does not list
 * all of them) with the name of its instance; null if the lab does not tell.
 */
export async function readCounters(signal) {
  try {
    const response = await fetch("/system.json?client=1", { cache: "no-store", signal });
    const { clock_s, cpu, machine, ...lab } = await response.json();
    const workers = lab.note ? null : lab.workers.map(({ pid }) => pid);
    return { ...cpu, clock_s, cores: machine.usable_cores, workers, instance: lab.instance };
  } catch (error) {
    if (signal?.aborted) throw error;
    return null;
  }
}

/**
 * Return how many cores other programs than the lab and this browser kept busy in between; null
 * where that is not known, as with a browser on another machine.
 */
export function coresKeptBusy(before, after) {
  if (!before || !after || before.client_s === null || after.client_s === null) return null;
  const spent = (name) => after[name] - before[name];
  const others = spent("machine_s") - spent("lab_s") - spent("services_s") - spent("client_s");
  return Math.round((100 * Math.max(0, others)) / spent("clock_s")) / 100;
}

/** Return the load of other programs as a sentence; "" where it is not known. */
export function othersText(cores, total) {
  if (cores === null) return "";
  const text = `Other programs kept ${cores.toFixed(1)} of ${total} cores busy meanwhile.`;
  if (!isBusy(cores)) return text;
  return `This machine is busy: ${text} The figures were measured all the same. `
    + "For better ones, end the other programs and run again.";
}
