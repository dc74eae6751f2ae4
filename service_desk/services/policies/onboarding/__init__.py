"""Joint approval of new vehicles (新车入户联合审批): asked for by the branch, approved by the group, insured by the desk."""
