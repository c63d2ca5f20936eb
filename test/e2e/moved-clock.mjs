/** Moves the clock of a process by NFM_TEST_CLOCK_MILLIS; `node --import` loads it first. */
const RealDate = Date;
const moved = () => RealDate.now() + Number(process.env.NFM_TEST_CLOCK_MILLIS ?? 0);

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [moved()] : parts));
  }

  static now() {
    return moved();
  }
};
