/** The camera as a video element shows it, and single frames of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { pageError, type Told, toldOf } from '../worker/rpc.ts';

/** Pixels of a frame's side: the middle square of what the camera sees. */
const SIDE = 384;

export function useCamera() {
  const video = useRef<HTMLVideoElement>(null);
  const [why, setWhy] = useState<Told | undefined>(undefined);
  useEffect(() => {
    let stream: MediaStream | undefined;
    let isOver = false;
    const begin = async (): Promise<void> => {
      try {
        // Absent in pages that are not secure.
        const devices = navigator.mediaDevices as MediaDevices | undefined;
        if (!devices) throw pageError('cameraInsecure');
        stream = await devices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 640 } } });
        if (isOver) return stop(stream);
        if (video.current) video.current.srcObject = stream;
      } catch (error) {
        setWhy(toldOf(error));
      }
    };
    void begin();
    return () => {
      isOver = true;
      if (stream) stop(stream);
    };
  }, []);
  /** Undefined before the camera shows anything. */
  const snap = async (): Promise<Blob | undefined> => {
    const element = video.current;
    if (!element || element.videoWidth === 0) return undefined;
    const { videoWidth: width, videoHeight: height } = element;
    const side = Math.min(width, height);
    const canvas = new OffscreenCanvas(SIDE, SIDE);
    const context = canvas.getContext('2d', { alpha: false });
    context?.drawImage(element, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
    return canvas.convertToBlob({ type: 'image/png' });
  };
  return { video, why, snap };
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
