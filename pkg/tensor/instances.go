package tensor

// Instances are the two instances of one generic function: F32 and F64 are its
// types for float32 and float64. Go has no methods with type parameters, so this
// is what a type returns whose things come in both precisions.
type Instances[F32, F64 any] struct {
	Float32 F32
	Float64 F64
}

// InstanceOf returns the instance that has the type F. It panics if neither does.
func InstanceOf[F, F32, F64 any](i Instances[F32, F64]) F {
	if f, ok := any(i.Float32).(F); ok {
		return f
	}
	return any(i.Float64).(F)
}
