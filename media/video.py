"""Video: moving pictures."""

import io
from typing import Any, ClassVar

from ..errors import InvalidValueError
from .document import checked
from .medium import FileDocument, Medium, suffix_of, text_path
from .optional import is_ndarray, need
from .pixels import pillow
from .scratch import Scratch
from .value import Sink

_CODECS = {"mp4": "libx264", "webm": "libvpx-vp9", "ogg": "libtheora"}


class _VideoDocument(FileDocument, frozen=True):
    width: int | None = None
    height: int | None = None


class Video(Medium):
    """Moving pictures: a local gif, mp4, webm or ogg file, its bytes (`io.BytesIO`), or frames (time, channel, height, width) of
    values from 0 to 255, of which a batch (batch, time, channel, height, width) becomes one picture of tiles.

    Bytes and frames need a `format`. Frames become a gif with Pillow, anything else with ffmpeg (imageio-ffmpeg);
    `fps` (default 4) is theirs.
    """

    log_type = "video-file"
    folder = "media/videos"
    EXTS: ClassVar[tuple[str, ...]] = ("gif", "mp4", "webm", "ogg")

    def __init__(self, data_or_path: Any, caption: str | None = None, fps: int | None = None, format: str | None = None) -> None:
        super().__init__(caption)
        self.width: int | None = None
        self.height: int | None = None
        path = text_path(data_or_path)
        if path is not None:
            self._check_format(suffix_of(path))
            self._take_file(path)
        elif isinstance(data_or_path, io.BytesIO):
            self._take_bytes(data_or_path.getvalue(), f".{self._given(format, 'raw bytes (an io object)')}")
        else:
            frames = data_or_path.numpy() if callable(getattr(data_or_path, "numpy", None)) else data_or_path
            if not is_ndarray(frames):
                raise InvalidValueError(f"lading.Video accepts a file path or numpy like data as input, not {type(frames)}")
            self._encode_frames(_tiled(frames), fps or 4, self._given(format, "a numpy array"))

    def _given(self, format: str | None, what: str) -> str:
        if format is None:
            raise InvalidValueError(f"lading.Video requires a `format` argument when initializing with {what}.")
        return self._check_format(format)

    def _check_format(self, format: str) -> str:
        if format not in self.EXTS:
            raise InvalidValueError(f"lading.Video accepts {', '.join(self.EXTS)} formats, not {format!r}")
        return format

    def _encode_frames(self, frames: Any, fps: int, format: str) -> None:
        _, self.height, self.width, channels = frames.shape
        scratch = Scratch(f".{format}")
        if format == "gif":
            images = pillow("lading.Video of frames")
            first, *others = [images.fromarray(frame[:, :, 0] if channels == 1 else frame) for frame in frames]
            first.save(scratch.path, save_all=True, append_images=others, duration=round(1000 / fps), loop=0)
        else:
            _write_frames(scratch.path, frames, fps, _CODECS[format])
        self._take_scratch(scratch)

    def encode(self, sink: Sink) -> dict[str, Any]:
        document = super().encode(sink)
        sizes = {"width": self.width, "height": self.height}
        return document | {name: size for name, size in sizes.items() if size is not None}

    def _restore(self, document: dict[str, Any]) -> None:
        read = checked(document, _VideoDocument, self.log_type)
        self.width, self.height = read.width, read.height


def _write_frames(path: str, frames: Any, fps: int, codec: str) -> None:
    numpy, ffmpeg = need("numpy", "lading.Video of frames"), need("imageio_ffmpeg", "lading.Video of frames, but for gif,")
    _, height, width, channels = frames.shape
    # Half of the colours are stored: an odd edge is repeated.
    frames = numpy.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    size = (width + width % 2, height + height % 2)
    writer = ffmpeg.write_frames(path, size, fps=fps, codec=codec, macro_block_size=1, ffmpeg_log_level="error")
    writer.send(None)
    try:
        for frame in frames.repeat(3, axis=3) if channels == 1 else frames:
            writer.send(numpy.ascontiguousarray(frame[:, :, :3]))
    except (OSError, RuntimeError) as error:
        raise InvalidValueError(f"ffmpeg cannot encode these frames with {codec}: {error}") from error
    finally:
        writer.close()


def _tiled(video: Any) -> Any:
    """Frames (time, height, width, channel); a batch is padded to a power of two and laid out in rows."""
    numpy = need("numpy", "lading.Video of frames")
    if video.ndim == 4:
        video = video.reshape(1, *video.shape)
    if video.ndim != 5:
        raise InvalidValueError("Video must be at least 4 dimensions: time, channels, height, width")
    batch, time, channels, height, width = video.shape
    if not video.size or channels not in (1, 3, 4):
        raise InvalidValueError(f"frames must have 1, 3 or 4 channels and not be empty, not the shape {list(video.shape)}")
    if not bool(((video >= 0) & (video <= 255)).all()):
        raise InvalidValueError("pixels must lie between 0 and 255", hint="scale them: (data * 255).clip(0, 255)")
    video = video.astype(numpy.uint8)
    rows = 1 << ((batch.bit_length() - 1) // 2)
    padding = (1 << (batch - 1).bit_length()) - batch
    video = numpy.concatenate([video, numpy.zeros((padding, time, channels, height, width), numpy.uint8)])
    columns = len(video) // rows
    tiles = video.reshape(rows, columns, time, channels, height, width).transpose(2, 0, 4, 1, 5, 3)
    return numpy.ascontiguousarray(tiles.reshape(time, rows * height, columns * width, channels))
