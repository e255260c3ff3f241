//! Where a network runs, by name: `cpu`, `plain`, `cuda`, `cuda:1`, `metal`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::fault::{did_you_mean, either, quoted};
use crate::error::{Error, Result, ValueFault};

/// A device and the executor that runs on it. Read and written as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// The host, with our own kernels.
    #[default]
    Cpu,
    /// The host, with candle's operations: slow, to check the others against.
    Plain,
    /// A CUDA device by its number, with candle's operations. Needs the feature `cuda`.
    Cuda(usize),
    /// The first Metal device, with candle's operations. Needs the feature `metal`.
    Metal,
}

/// Every name without its number.
const NAMES: [&str; 4] = ["cpu", "plain", "cuda", "metal"];

impl Device {
    /// Whether networks run there in candle's operations ([`crate::exec::plain`]) instead of our own kernels.
    pub fn is_plain(self) -> bool {
        self != Device::Cpu
    }

    /// The device for tensors.
    ///
    /// # Errors
    /// When this build has no support for it, or the machine has no such device.
    pub fn open(self) -> Result<candle_core::Device> {
        let (feature, built, device) = match self {
            Device::Cpu | Device::Plain => return Ok(candle_core::Device::Cpu),
            Device::Cuda(number) => ("cuda", cfg!(feature = "cuda"), candle_core::Device::new_cuda(number)),
            Device::Metal => ("metal", cfg!(feature = "metal"), candle_core::Device::new_metal(0)),
        };
        device.map_err(|reason| {
            Error::Usage(match built {
                false => format!(
                    "device `{self}`: this program was built without {feature}\n  hint: build it with `cargo build \
                     --release --features {feature}`, or use `cpu`"
                ),
                true => format!("device `{self}`: no such device here ({reason})\n  hint: use `cpu`"),
            })
        })
    }
}

impl FromStr for Device {
    type Err = ValueFault;

    fn from_str(text: &str) -> Result<Self, ValueFault> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Device::Cpu),
            None if text == "plain" => Ok(Device::Plain),
            None if text == "cuda" => Ok(Device::Cuda(0)),
            None if text == "metal" => Ok(Device::Metal),
            Some(("cuda", number)) => number.parse().map(Device::Cuda).map_err(|_| {
                ValueFault::new(
                    format!("device number {}", quoted(number)),
                    "a number from 0",
                    "`nvidia-smi -L` lists the devices",
                )
            }),
            _ => {
                let gpus = "an NVIDIA device is `cuda`, the second one `cuda:1`; an Apple device is `metal`";
                let remedy = match text.eq_ignore_ascii_case("gpu") {
                    true => gpus.into(), // not one letter away from `cpu`
                    false => did_you_mean(text, NAMES, gpus),
                };
                Err(ValueFault::new(format!("the unknown device {}", quoted(text)), either(NAMES), remedy))
            }
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.pad("cpu"),
            Device::Plain => f.pad("plain"),
            Device::Cuda(0) => f.pad("cuda"),
            Device::Cuda(number) => f.pad(&format!("cuda:{number}")),
            Device::Metal => f.pad("metal"),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = ValueFault;

    fn try_from(text: String) -> Result<Self, ValueFault> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_as_text_and_in_files() {
        for (name, device) in [
            ("cpu", Device::Cpu),
            ("plain", Device::Plain),
            ("cuda", Device::Cuda(0)),
            ("cuda:3", Device::Cuda(3)),
            ("metal", Device::Metal),
        ] {
            assert_eq!(name.parse(), Ok(device));
            assert_eq!(device.to_string(), name);
            let written = serde_json::to_string(&device).unwrap();
            assert_eq!(written, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Device>(&written).unwrap(), device);
            assert_eq!(device.is_plain(), name != "cpu");
        }
        assert_eq!("cuda:0".parse(), Ok(Device::Cuda(0)));
    }

    #[test]
    fn wrong_names_say_which_there_are() {
        for (name, said) in [
            ("gpu", "expected cpu, plain, cuda or metal"),
            ("CUDA", "unknown device `CUDA`"),
            ("cuda:", "device number ``"),
            ("cuda:-1", "device number `-1`"),
            ("cuda:1:2", "device number `1:2`"),
            ("cpu:1", "unknown device `cpu:1`"),
            ("", "unknown device ``"),
        ] {
            let fault = name.parse::<Device>().unwrap_err();
            assert!(fault.to_string().contains(said), "{name}: {fault}");
        }
        assert_eq!("CUDA".parse::<Device>().unwrap_err().remedy, "did you mean `cuda`?");
        assert!("gpu".parse::<Device>().unwrap_err().remedy.contains("`cuda`"));
        assert!(serde_json::from_str::<Device>("\"tpu\"").unwrap_err().to_string().contains("unknown device `tpu`"));
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_what_to_do() {
        assert!(Device::Cpu.open().unwrap().is_cpu() && Device::Plain.open().unwrap().is_cpu());
        for (device, feature, built) in
            [(Device::Cuda(4000), "cuda", cfg!(feature = "cuda")), (Device::Metal, "metal", cfg!(feature = "metal"))]
        {
            match device.open() {
                Ok(found) => assert!(built && found.is_metal()),
                Err(error) if built => assert!(error.to_string().contains("no such device"), "{error}"),
                Err(error) => assert!(error.to_string().contains(&format!("--features {feature}")), "{error}"),
            }
        }
    }
}
