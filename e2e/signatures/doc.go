// Package signatures has cosign and the Notary Project's library sign one image in every way, and podreeve verify it from a folder.
// `make image-signatures` runs it; it builds cosign, which takes long, and is no part of `make test`.
package signatures
