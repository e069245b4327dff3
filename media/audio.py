"""Audio: a sound."""

import wave
from typing import Any

from ..errors import InvalidTypeError, InvalidValueError
from .medium import Medium, text_path
from .optional import need
from .scratch import Scratch


class Audio(Medium):
    """A sound: a local file, a `gs`, `s3` or `http(s)` reference, or samples (frames) or (frames, channels) with their
    `sample_rate` in Hz, which become a WAV file of 16 bits. Samples are floats from -1 to 1 or integers of their type's range.
    """

    log_type = "audio-file"
    folder = "media/audio"

    def __init__(self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None) -> None:
        super().__init__(caption)
        self.sample_rate = sample_rate
        self.duration: float | None = None
        """Seconds, where it was made of samples."""
        path = text_path(data_or_path)
        if path is not None and self.path_is_reference(path):
            self._take_reference(path)
        elif path is not None:
            self._take_file(path)
        elif sample_rate is None:
            raise InvalidValueError('Argument "sample_rate" is required when instantiating lading.Audio with raw data.')
        else:
            self._take_scratch(self._written(data_or_path, sample_rate))

    def _written(self, data: Any, sample_rate: int) -> Scratch:
        if type(sample_rate) is not int or not 0 < sample_rate < 1 << 32:
            raise InvalidValueError(f"{sample_rate!r} is not a sample rate in Hz")
        samples = _samples(data)
        scratch = Scratch(".wav")
        with wave.open(scratch.path, "wb") as file:
            file.setnchannels(samples.shape[1])
            file.setsampwidth(2)
            file.setframerate(sample_rate)
            file.writeframes(samples.astype("<i2").tobytes())
        self.duration = len(samples) / sample_rate
        return scratch

    def _restore(self, document: dict[str, Any]) -> None:
        del document
        self.sample_rate, self.duration = None, None


def _samples(data: Any) -> Any:
    """An array (frames, channels) of 16-bit values. Raise TypeError for what holds no samples, ValueError for bad shapes."""
    numpy = need("numpy", "lading.Audio of samples")
    array = numpy.asarray(data.detach().cpu() if callable(getattr(data, "detach", None)) else data)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if array.ndim != 2 or array.shape[1] == 0:
        raise InvalidValueError(f"samples must have the shape (frames) or (frames, channels), not {list(array.shape)}")
    if array.dtype.kind == "f":
        if not bool(numpy.isfinite(array).all()):
            raise InvalidValueError("samples must be finite numbers")
        # As libsndfile does it, so that equal samples are equal files there and here.
        return numpy.floor(array.astype(numpy.float64) * 32768).clip(-32768, 32767)
    if array.dtype.kind == "i":
        bits = 8 * array.dtype.itemsize
        return array << 16 - bits if bits < 16 else array >> bits - 16
    if array.dtype == numpy.uint8:
        return (array.astype(numpy.int16) - 128) << 8
    raise InvalidTypeError(f"samples must be floats or signed integers, not {array.dtype}")
