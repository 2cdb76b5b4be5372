package arrays

// CheckName returns an error unless the ending of a file's name is that of a format
// that [WriteFile] writes.
func CheckName(path string) error {
	_, err := formatOf(path)
	return err
}
