/**
 * Why a step of a virtual user failed. `name` is short and the same for the same cause, because failures are counted
 * by it; `message` holds what the user needs to see.
 */
export class StepFailure extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}
