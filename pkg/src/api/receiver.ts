import { InvalidArgumentError } from './errors.js';

/** Whether something may have private fields at all: only of such a value can be asked whether it has one. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * The error of a method that was called on anything but an object of its class: on nothing, as `const { sync } = eye` does,
 * or through a proxy, as some frameworks make of whatever they hold; private fields cannot be reached through one.
 */
export function wrongReceiver(name: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `this method was called on something that is no ${name}: call it as a method of the ${name} itself, not of a proxy of ` +
      'it (in MobX, Vue and the like: markRaw, shallowRef, observable.ref)',
  );
}
