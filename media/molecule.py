"""Molecule: atoms in space."""

from typing import Any, ClassVar, Self

from ..errors import InvalidTypeError, InvalidValueError
from .medium import Medium, suffix_of, text_path
from .optional import comes_from, need


class Molecule(Medium):
    """Atoms in space: a local file of one of `SUPPORTED_TYPES`, or an open file of text whose `file_type` says which. Raise
    ValueError for any other type."""

    log_type = "molecule-file"
    folder = "media/molecule"
    SUPPORTED_TYPES: ClassVar[frozenset[str]] = frozenset(
        {"pdb", "pqr", "mmcif", "mcif", "cif", "sdf", "sd", "gro", "mol2", "mmtf"}
    )
    SUPPORTED_RDKIT_TYPES: ClassVar[frozenset[str]] = frozenset({"mol", "sdf"})

    def __init__(self, data_or_path: Any, caption: str | None = None, *, file_type: str | None = None) -> None:
        super().__init__(caption)
        path = text_path(data_or_path) or text_path(getattr(data_or_path, "name", None))
        if path is not None:
            self._check_type(suffix_of(path))
            self._take_file(path)
        elif callable(getattr(data_or_path, "read", None)):
            if file_type is None:
                raise InvalidValueError("Must pass file_type keyword argument when using io objects.")
            self._take_bytes(read_whole(data_or_path), f".{self._check_type(file_type)}")
        else:
            raise InvalidValueError(f"Data must be file name or a file object, not {type(data_or_path)}")

    def _check_type(self, file_type: str) -> str:
        if file_type not in self.SUPPORTED_TYPES:
            raise InvalidValueError(
                f"Molecule only supports files of the type: {', '.join(sorted(self.SUPPORTED_TYPES))}; not {file_type!r}"
            )
        return file_type

    @classmethod
    def from_rdkit(
        cls,
        data_or_path: Any,
        caption: str | None = None,
        convert_to_3d_and_optimize: bool = True,
        mmff_optimize_molecule_max_iterations: int = 200,
    ) -> Self:
        """The molecule of an RDKit `Mol`, or of a mol or sdf file that RDKit reads, as PDB."""
        chem, path = need("rdkit.Chem", "Molecule.from_rdkit"), text_path(data_or_path)
        if path is not None:
            molecule = _rdkit_file(chem, path)
        elif comes_from(data_or_path, "rdkit"):
            molecule = data_or_path
        else:
            raise InvalidTypeError(f"Data must be file name or an rdkit.Chem.rdchem.Mol object, not {type(data_or_path)}")
        if molecule is None:
            raise InvalidValueError(f"{path}: RDKit finds no molecule in it")
        if convert_to_3d_and_optimize:
            every = need("rdkit.Chem.AllChem", "Molecule.from_rdkit")
            molecule = chem.AddHs(molecule)
            every.EmbedMolecule(molecule)
            every.MMFFOptimizeMolecule(molecule, maxIters=mmff_optimize_molecule_max_iterations)
        made = cls.__new__(cls)
        Medium.__init__(made, caption)
        made._take_bytes(chem.MolToPDBBlock(molecule).encode(), ".pdb")
        return made

    @classmethod
    def from_smiles(
        cls,
        data: str,
        caption: str | None = None,
        sanitize: bool = True,
        convert_to_3d_and_optimize: bool = True,
        mmff_optimize_molecule_max_iterations: int = 200,
    ) -> Self:
        """The molecule that a SMILES string describes, by RDKit. Raise ValueError if it describes none."""
        molecule = need("rdkit.Chem", "Molecule.from_smiles").MolFromSmiles(data, sanitize=sanitize)
        if molecule is None:
            raise InvalidValueError("Unable to parse the SMILES string.")
        return cls.from_rdkit(molecule, caption, convert_to_3d_and_optimize, mmff_optimize_molecule_max_iterations)


def read_whole(file: Any) -> bytes:
    """All that an open file holds."""
    if callable(getattr(file, "seek", None)):
        file.seek(0)
    data = file.read()
    if not isinstance(data, str | bytes):
        raise InvalidTypeError(f"reading it gives {type(data)}, neither text nor bytes")
    return data.encode() if isinstance(data, str) else data


def _rdkit_file(chem: Any, path: str) -> Any:
    match suffix_of(path):
        case "sdf":
            with chem.SDMolSupplier(path) as supplier:
                return next(iter(supplier), None)
        case "mol":
            return chem.MolFromMolFile(path)
        case _:
            raise InvalidValueError("Molecule.from_rdkit only supports files of the type: mol, sdf")
