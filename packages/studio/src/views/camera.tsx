/** The camera: pictures are taken while a button is held. */
import { signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Trouble } from '../components/trouble.tsx';
import { useCamera } from '../components/use-camera.ts';
import { withClass } from '../project/edit.ts';
import { change, project, takeFiles } from '../state/project.ts';
import { telling } from '../state/session.ts';
import { t } from '../strings/index.ts';

export const isCameraOpen = signal(false);
/** Milliseconds between two pictures. */
const EVERY = 200;

export const CameraDialog: FunctionComponent = () => {
  const words = t().camera;
  const dialog = useRef<HTMLDialogElement>(null);
  const { video, why, snap } = useCamera();
  const [name, setName] = useState(project.value.classes[0]?.name ?? '');
  const [taken, setTaken] = useState(0);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    if (!isHeld) return undefined;
    const className = name.trim() === '' ? t().data.newClass : name;
    const made = withClass(project.value, className, () => crypto.randomUUID());
    change(() => made.project);
    const frames: File[] = [];
    const shoot = async (): Promise<void> => {
      const blob = await snap();
      if (!blob) return;
      frames.push(new File([blob], `camera-${Date.now()}-${frames.length}.png`, { type: 'image/png' }));
      setTaken((count) => count + 1);
    };
    void shoot();
    const timer = setInterval(() => void shoot(), EVERY);
    return () => {
      clearInterval(timer);
      void telling(() =>
        takeFiles(
          frames.map((file) => ({ file, path: file.name })),
          made.entry.id,
        ),
      );
    };
  }, [isHeld]);
  const close = (): void => {
    isCameraOpen.value = false;
  };
  return (
    <dialog ref={dialog} class="camera" onClose={close} aria-label={words.title}>
      <h2>{words.title}</h2>
      {why === undefined ? <video ref={video} autoplay muted playsInline /> : <Trouble title={words.denied} told={why} />}
      <label>
        {words.into}
        <input type="text" list="class-names" value={name} onInput={({ currentTarget }) => setName(currentTarget.value)} />
        <datalist id="class-names">
          {project.value.classes.map((one) => (
            <option key={one.id} value={one.name} />
          ))}
        </datalist>
      </label>
      <div class="buttons">
        <button
          type="button"
          class={`primary hold ${isHeld ? 'held' : ''}`}
          disabled={why !== undefined}
          onPointerDown={() => setHeld(true)}
          onPointerUp={() => setHeld(false)}
          onPointerLeave={() => setHeld(false)}
          onKeyDown={({ key, repeat }) => (key === ' ' || key === 'Enter') && !repeat && setHeld(true)}
          onKeyUp={() => setHeld(false)}
          onBlur={() => setHeld(false)}
        >
          {words.hold}
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          {t().close}
        </button>
        <span class="soft" aria-live="polite">
          {taken > 0 ? words.taken(taken) : words.holdAbout}
        </span>
      </div>
    </dialog>
  );
};
